//! Floor 6: `anonchat admin`, for operators: lists, shows and deletes rooms and accounts. Deleting follows the same
//! rules as in the pages.
//!
//! The command reads the settings of the server. With SQLite the server must be stopped first, since only one process
//! may open the file. With MongoDB it may run: its nodes learn of a deletion at once with Redis, and within half a
//! minute without.

mod printing;

use std::io::{self, Write};

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use self::printing::{lines, moment, table};
use super::{
    app::App,
    boot, clock,
    config::Config,
    domain::{deletion, room_deletion},
    store::{
        AccountId, AccountRecord, ActorId, Overview, Presence, RoomId, RoomRecord, StoreError, in_ascii, sqlite::InUse,
    },
};
use crate::protocol::{Email, Millis, OwnMessages, RoomCode, RoomType};

/// The number of records in one read.
const PAGE: usize = 500;

/// The commands of the program. Without a command it serves.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Look at rooms and accounts, and delete them.
    ///
    /// Reads the same settings as the server: from the environment, from .env, or as flags before "admin". With SQLite,
    /// stop the server first. Exits with 0 if it is done, 1 if something failed, 2 for wrong arguments, 3 if there is
    /// no such room or account, and 4 if a running server holds the database.
    #[command(subcommand)]
    Admin(Admin),
}

/// The subcommands of `admin`.
#[derive(Clone, Debug, Subcommand)]
pub enum Admin {
    /// List, show and delete rooms.
    #[command(subcommand)]
    Rooms(Rooms),
    /// List, show and delete accounts.
    #[command(subcommand)]
    Accounts(Accounts),
}

/// The commands for rooms.
#[derive(Clone, Debug, Subcommand)]
pub enum Rooms {
    /// List all rooms.
    List {
        /// List only rooms that nobody has visited for N days.
        #[arg(long, value_name = "N")]
        idle_days: Option<u32>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one room: its members, and the size of its log. Messages are not shown.
    Show {
        /// The room's code.
        code: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a room with all its messages. This cannot be undone.
    Delete {
        /// The room's code.
        code: String,
    },
}

/// The commands for accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum Accounts {
    /// List all accounts.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one account: its address, its sessions and its rooms.
    Show {
        /// The account's mail address, or its id.
        #[arg(value_name = "EMAIL")]
        who: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete an account, as its owner can: its sessions end and it leaves its rooms. This cannot be undone.
    Delete {
        /// The account's mail address, or its id.
        #[arg(value_name = "EMAIL")]
        who: String,
        /// Also erase the messages of the account.
        #[arg(long)]
        erase_messages: bool,
    },
}

/// The error for a room or an account that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("There is no {what} {which}.")]
struct Missing {
    what: &'static str,
    which: String,
}

/// Runs a command, prints its result, and returns the exit status.
pub async fn run(config: Config, admin: Admin) -> u8 {
    let done = async {
        let app = open(config).await?;
        let done = act(&app, admin).await;
        app.engine.drain().await;
        app.after_answer.close();
        app.after_answer.wait().await;
        app.store.close().await;
        done
    };
    match done.await {
        Ok(text) => match io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => 0,
            // The reader of the output has closed it, for example `head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Err(_) => 1,
        },
        Err(error) => {
            let _ = writeln!(io::stderr(), "anonchat: {error:#}");
            status(&error)
        }
    }
}

fn status(error: &anyhow::Error) -> u8 {
    if error.is::<Missing>() {
        3
    } else if is_in_use(error) {
        4
    } else {
        1
    }
}

/// Whether the cause is that a running server has opened the database.
fn is_in_use(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error + 'static>::is::<InUse>)
}

async fn open(config: Config) -> anyhow::Result<App> {
    if config.store.mongo_uri.is_none() {
        let path = config.data_dir.join("anonchat.sqlite");
        if !path.exists() {
            bail!("There is no database at {}. Is DATA_DIR right?", path.display());
        }
    }
    boot::build(config).await.map_err(|error| {
        if is_in_use(&error) {
            error.context("The server is running, and holds the database. Stop the server first, and run this again")
        } else {
            error
        }
    })
}

async fn act(app: &App, admin: Admin) -> anyhow::Result<String> {
    match admin {
        Admin::Rooms(Rooms::List { idle_days, json }) => list_rooms(app, idle_days, json).await,
        Admin::Rooms(Rooms::Show { code, json }) => show_room(app, &find_room(app, &code).await?, json).await,
        Admin::Rooms(Rooms::Delete { code }) => {
            let room = find_room(app, &code).await?;
            match room_deletion::end_room(app, room.id, None).await {
                Ok(()) => Ok(format!("Room {} is deleted, with all that was said in it.\n", room.code)),
                Err(StoreError::NotFound) => Err(missing_room(room.code)),
                Err(error) => Err(error).context("The room is not deleted"),
            }
        }
        Admin::Accounts(Accounts::List { json }) => list_accounts(app, json).await,
        Admin::Accounts(Accounts::Show { who, json }) => show_account(app, &find_account(app, &who).await?, json).await,
        Admin::Accounts(Accounts::Delete { who, erase_messages }) => {
            let account = find_account(app, &who).await?;
            let messages = if erase_messages { OwnMessages::Erase } else { OwnMessages::Keep };
            let deleted = deletion::delete_account(app, &account, messages).await;
            deleted.context("The account is not deleted, or not whole; run this again")?;
            Ok(format!("The account {} is deleted.\n", address(&account).unwrap_or_else(|| account.id.0.to_string())))
        }
    }
}

async fn find_room(app: &App, code: &str) -> anyhow::Result<RoomRecord> {
    let code: RoomCode = code.parse().with_context(|| format!("“{code}” is no room code"))?;
    match app.store.room_by_code(code).await {
        Ok(room) => Ok(room),
        Err(StoreError::NotFound) => Err(missing_room(code)),
        Err(error) => Err(error.into()),
    }
}

fn missing_room(code: RoomCode) -> anyhow::Error {
    Missing { what: "room", which: code.to_string() }.into()
}

/// Finds an account by its id or by an address. Of the accounts with that address, the one that has proved it comes
/// first, then one that claims it.
async fn find_account(app: &App, who: &str) -> anyhow::Result<AccountRecord> {
    let missing = || Missing { what: "account", which: who.to_owned() };
    if let Ok(id) = who.parse::<Uuid>() {
        return match app.store.account(AccountId(id)).await {
            Ok(account) => Ok(account),
            Err(StoreError::NotFound) => Err(missing().into()),
            Err(error) => Err(error.into()),
        };
    }
    let email = in_ascii(who)
        .and_then(|ascii| Email::try_from(ascii).ok())
        .with_context(|| format!("“{who}” is no mail address, and no id of an account"))?;
    let holders = app.store.holders(&email).await?;
    holders.reached().ok_or_else(|| missing().into())
}

async fn list_rooms(app: &App, idle_days: Option<u32>, as_json: bool) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let rooms = app.store.rooms_after(after, PAGE).await?;
        let Some(last) = rooms.last() else { break };
        after = Some(last.id);
        let wanted = |room: &RoomRecord| idle_days.is_none_or(|days| idle(room) >= u64::from(days));
        let rooms: Vec<RoomRecord> = rooms.into_iter().filter(wanted).collect();
        let ids: Vec<RoomId> = rooms.iter().map(|room| room.id).collect();
        let overviews = app.store.overviews(&ids).await?;
        let of = |id: RoomId| overviews.iter().find(|(room, _)| *room == id).map(|(_, overview)| overview.clone());
        rows.extend(rooms.iter().map(|room| room_row(room, &of(room.id).unwrap_or_default())));
    }
    if as_json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&rows)?));
    }
    let columns = [
        ("CODE", "code"),
        ("TYPE", "type"),
        ("KEEPS", "preserve"),
        ("MEMBERS", "members"),
        ("LAST SEQ", "last_seq"),
        ("VISITED", "visited_at"),
        ("NAME", "name"),
    ];
    Ok(table(&columns, &rows))
}

/// The whole days since the room was last visited.
fn idle(room: &RoomRecord) -> u64 {
    const DAY: Millis = 24 * 3_600_000;
    ((clock::now() - room.visited_at).max(0) / DAY).unsigned_abs()
}

fn room_row(room: &RoomRecord, overview: &Overview) -> Value {
    json!({
        "code": room.code,
        "id": room.id.0,
        "type": match room.room_type { RoomType::P2p => "p2p", RoomType::Group => "group" },
        "preserve": bool::from(room.retention),
        "name": room.name,
        "members": overview.members,
        "last_seq": overview.head.seq,
        "created_at": moment(room.created_at),
        "visited_at": moment(room.visited_at),
        "idle_days": idle(room),
    })
}

async fn show_room(app: &App, room: &RoomRecord, as_json: bool) -> anyhow::Result<String> {
    let overview = app.store.overviews(&[room.id]).await?.pop().map(|(_, overview)| overview).unwrap_or_default();
    let (events, bytes) = app.store.archive_size(room.id).await?;
    let members = app.store.members(room.id).await?;
    let members: Vec<Value> = members
        .iter()
        .filter(|member| member.presence == Presence::Active)
        .map(|member| {
            let kind = match member.actor {
                ActorId::Guest(_) => "guest",
                ActorId::Account(_) => "account",
            };
            json!({ "name": member.name, "kind": kind, "owner": member.member == room.owner })
        })
        .collect();
    let mut shown = room_row(room, &overview);
    shown["kept_events"] = json!(events);
    shown["kept_bytes"] = json!(bytes);
    shown["members"] = json!(members);
    if as_json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&shown)?));
    }
    let fields =
        ["code", "name", "type", "preserve", "created_at", "visited_at", "idle_days", "kept_events", "kept_bytes"];
    let columns = [("NAME", "name"), ("KIND", "kind"), ("OWNER", "owner")];
    Ok(format!("{}\n{}", lines(&shown, &fields), table(&columns, &members)))
}

async fn list_accounts(app: &App, as_json: bool) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let accounts = app.store.accounts_after(after, PAGE).await?;
        let Some(last) = accounts.last() else { break };
        after = Some(last.id);
        rows.extend(accounts.iter().map(account_row));
    }
    if as_json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&rows)?));
    }
    let columns = [("EMAIL", "email"), ("PROVED", "proved"), ("CREATED", "created_at"), ("ID", "id"), ("NAME", "name")];
    Ok(table(&columns, &rows))
}

fn address(account: &AccountRecord) -> Option<String> {
    account.email.as_ref().or(account.claimed.as_ref()).map(|email| email.as_str().to_owned())
}

fn account_row(account: &AccountRecord) -> Value {
    json!({
        "id": account.id.0,
        "email": address(account),
        "proved": account.email.is_some(),
        "name": account.name,
        "created_at": moment(account.created_at),
    })
}

async fn show_account(app: &App, account: &AccountRecord, as_json: bool) -> anyhow::Result<String> {
    let sessions = app.store.sessions(account.id, clock::now()).await?;
    let rooms: Vec<Value> = app
        .store
        .rooms_of_account(account.id)
        .await?
        .iter()
        .map(|(room, member)| json!({ "code": room.code, "name": room.name, "owner": room.owner == member.member }))
        .collect();
    let mut shown = account_row(account);
    shown["sessions"] = json!(sessions.len());
    shown["last_used_at"] = json!(sessions.iter().map(|session| session.used_at).max().map(moment));
    shown["rooms"] = json!(rooms);
    if as_json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&shown)?));
    }
    let fields = ["email", "proved", "name", "id", "created_at", "sessions", "last_used_at"];
    let columns = [("ROOM", "code"), ("OWNER", "owner"), ("NAME", "name")];
    Ok(format!("{}\n{}", lines(&shown, &fields), table(&columns, &rooms)))
}
