//! Mails: every mail of an outbox reaches a real mail server exactly once, although nodes are killed on the way.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anonchat::{
    protocol::{Email, Language, Millis, Nickname, RoomCode},
    server::{
        boot, clock,
        config::Config,
        domain::mails,
        keys::Keys,
        mail::{Mail, Mailer, Undelivered},
        store::{Letter, MailId, MailRecord, Mails as _, Store, mongo::Mongo as MongoStore, sqlite::Sqlite},
    },
};
use async_trait::async_trait;
use clap::Parser;
use uuid::Uuid;

use crate::support::{
    MailServer, Node, Settings, poll_until,
    services::{shared_mongo, shared_redis},
};

const SECRET: &str = "the secret that these tests and their nodes share";
const DAY: Millis = 24 * 60 * 60 * 1_000;

fn keys() -> Keys {
    Keys::of(SECRET).unwrap()
}

/// An email address that no other test uses.
fn new_address() -> String {
    format!("ada.{}@example.org", Uuid::now_v7().simple())
}

fn mail(to: &str, letter: Letter) -> MailRecord {
    let now = clock::now();
    MailRecord {
        id: MailId(Uuid::now_v7()),
        account: None,
        guest: None,
        to: Email::try_from(to).unwrap(),
        name: Nickname::try_from("Ada <b>&").unwrap(),
        language: Language::English,
        letter,
        key: keys().current_id().to_owned(),
        created_at: now,
        due_at: now,
        attempts: 0,
    }
}

fn settings(server: &MailServer) -> Settings {
    Settings::embedded()
        .with("SMTP_URL", server.url())
        .with("PUBLIC_URL", "https://chat.example.org")
        .with("JWT_SECRET", SECRET)
}

/// Opens the embedded store of a node that is not running.
fn outbox(settings: &Settings) -> Sqlite {
    std::fs::create_dir_all(settings.data_dir()).unwrap();
    Sqlite::open(&settings.data_dir().join("anonchat.sqlite")).unwrap()
}

/// Puts mails into the outbox of a node that is not running.
async fn put(settings: &Settings, mails: &[&MailRecord]) {
    let store = outbox(settings);
    for mail in mails {
        store.put_mail(mail).await.unwrap();
    }
    store.close().await;
}

/// All mails in an outbox, whether due or leased.
async fn waiting(store: &dyn Store) -> Vec<MailRecord> {
    let later = clock::now() + DAY;
    store.lease_mails(later, later, 1_000).await.unwrap()
}

async fn mails_come(server: &MailServer, to: &str, count: usize) {
    poll_until("the mails come", || async { server.mails(to).await.len() >= count }).await;
}

#[tokio::test]
async fn every_letter_arrives_whole_in_every_language() {
    let Some(server) = MailServer::shared() else { return };
    let letters = [
        Letter::Verify,
        Letter::HasAccount,
        Letter::LogInCode,
        Letter::ConfirmCode,
        Letter::Reset,
        Letter::PasswordChanged,
        Letter::AddressChanged,
        Letter::KeepRoom { code: RoomCode::from_bits(7) },
    ];
    let records: Vec<_> = Language::ALL
        .iter()
        .flat_map(|language| {
            letters.iter().map(|letter| MailRecord { language: *language, ..mail(&new_address(), letter.clone()) })
        })
        .collect();
    let settings = settings(&server);
    put(&settings, &records.iter().collect::<Vec<_>>()).await;
    let _node = Node::start(&settings).await;

    let mut subjects = BTreeSet::new();
    for record in &records {
        mails_come(&server, record.to.as_str(), 1).await;
        let [got] = server.mails(record.to.as_str()).await.try_into().unwrap();
        assert_eq!(got.message_id, format!("<{}@chat.example.org>", record.id.0));
        assert_eq!((got.from.as_str(), &got.to[..]), ("no-reply@chat.example.org", &[record.to.to_string()][..]));
        assert_eq!(got.headers["from"], "AnonChat <no-reply@chat.example.org>");
        assert_eq!(got.headers["to"], record.to.as_str());
        assert_eq!(got.headers["auto-submitted"], "auto-generated");
        assert_eq!(got.headers["mime-version"], "1.0");
        assert!(got.headers["date"].ends_with("+0000"), "{}", got.headers["date"]);
        assert!(got.headers["content-type"].starts_with("multipart/alternative"), "{}", got.headers["content-type"]);
        assert!(got.raw.lines().all(|line| line.len() <= 78), "lines are short, as RFC 5322 wishes:\n{}", got.raw);

        let (token, code) =
            (keys().link_token(&record.key, record.id).unwrap().reveal(), keys().code(&record.key, record.id).unwrap());
        let leads_to = match record.letter {
            Letter::Verify => format!("https://chat.example.org/auth/verify?token={token}"),
            Letter::Reset => format!("https://chat.example.org/auth/reset-password?token={token}"),
            Letter::KeepRoom { code } => {
                format!("https://chat.example.org/auth/register?token={token}&next=/rooms/{code}")
            }
            Letter::HasAccount | Letter::AddressChanged => "https://chat.example.org/auth/login".to_owned(),
            Letter::PasswordChanged => "https://chat.example.org/auth/forgot-password".to_owned(),
            Letter::LogInCode | Letter::ConfirmCode => format!("    {code}"),
        };
        assert!(got.text.lines().any(|line| line == leads_to), "{leads_to} has a line of its own:\n{}", got.text);
        assert!(got.html.contains(&leads_to.trim().replace('&', "&#38;")), "{}", got.html);
        assert!(
            got.text.contains("Ada <b>&,") && got.html.contains("Ada &#60;b&#62;&#38;,"),
            "the name is text in both"
        );
        assert!(got.html.contains(&format!("<html lang=\"{}\"", record.language.as_str())));
        assert!(!got.html.contains("<img") && !got.html.contains("url("), "nothing is fetched");
        let headers = got.raw.split("\r\n\r\n").next().unwrap();
        assert!([token.as_str(), &code, "Ada"].iter().all(|secret| !headers.contains(secret)), "{headers}");
        subjects.insert(got.subject);
    }
    assert_eq!(subjects.len(), records.len(), "each has a subject of its own");
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_comes_once_and_with_the_same_id() {
    let Some(server) = MailServer::shared() else { return };
    let (settings, address) = (settings(&server), new_address());
    server.answer(&address, &["451 4.3.0 Not now"]).await;
    let record = mail(&address, Letter::Reset);
    put(&settings, &[&record]).await;
    let mut node = Node::start(&settings).await;
    mails_come(&server, &address, 1).await;
    assert!(node.terminate().await);

    let tries = server.attempts(&address).await;
    assert_eq!(tries.len(), 2);
    assert_eq!(tries[0].message_id, tries[1].message_id);
    assert_eq!(tries[0].headers["date"], tries[1].headers["date"]);
    assert_eq!(tries[0].text, tries[1].text, "also the link is the same");
    assert_eq!(waiting(&outbox(&settings)).await, []);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_and_its_address_is_not_logged() {
    let Some(server) = MailServer::shared() else { return };
    let (settings, address) = (settings(&server).logged("debug"), new_address());
    server.answer(&address, &[&format!("550 5.1.1 {address} is unknown")]).await;
    put(&settings, &[&mail(&address, Letter::Verify)]).await;
    let mut node = Node::start(&settings).await;
    poll_until("the mail is given up", || async { settings.log().contains("it was refused") }).await;
    assert!(node.terminate().await);

    assert_eq!(server.attempts(&address).await.len(), 1);
    assert_eq!(waiting(&outbox(&settings)).await, []);
    let log = settings.log();
    assert!(log.contains("550 5.1.1"), "{log}");
    assert!(!log.contains(&address) && !log.contains(address.split('@').next().unwrap()), "{log}");
}

#[tokio::test]
async fn a_mail_that_is_of_no_use_any_more_is_not_sent() {
    let Some(server) = MailServer::shared() else { return };
    let (settings, address) = (settings(&server).logged("warn"), new_address());
    let fresh = mail(&address, Letter::LogInCode);
    let stale =
        MailRecord { id: MailId(Uuid::now_v7()), created_at: fresh.created_at - 5 * 60 * 1_000, ..fresh.clone() };
    let keyless = MailRecord { id: MailId(Uuid::now_v7()), key: "gone".to_owned(), ..fresh.clone() };
    put(&settings, &[&stale, &keyless, &fresh]).await;
    let mut node = Node::start(&settings).await;
    mails_come(&server, &address, 1).await;
    assert!(node.terminate().await);

    let [got] = server.attempts(&address).await.try_into().unwrap();
    assert!(got.message_id.contains(&fresh.id.0.to_string()));
    assert_eq!(waiting(&outbox(&settings)).await, []);
    assert!(settings.log().contains("of no use") && settings.log().contains("cannot be written"), "{}", settings.log());
}

#[tokio::test]
async fn two_nodes_send_each_mail_of_one_outbox_once() {
    let (Some(server), Some(mongo), Some(redis)) = (MailServer::shared(), shared_mongo(), shared_redis()) else {
        return;
    };
    let database = format!("test_{}", Uuid::now_v7().simple());
    let settings = || {
        Settings::cluster(&mongo, &database, &redis, &database)
            .with("SMTP_URL", server.url())
            .with("JWT_SECRET", SECRET)
    };
    let _nodes = [Node::start(&settings()).await, Node::start(&settings()).await];
    let store = MongoStore::connect(&mongo, &database).await.unwrap();
    let address = new_address();
    let mut ids = BTreeSet::new();
    for _ in 0..60 {
        let record = mail(&address, Letter::PasswordChanged);
        store.put_mail(&record).await.unwrap();
        ids.insert(record.id.0.to_string());
    }
    mails_come(&server, &address, 60).await;
    // A node that has just sent a mail still has to delete it from the outbox.
    poll_until("the outbox is empty", || async { waiting(&store).await.is_empty() }).await;
    let got = server.attempts(&address).await;
    assert_eq!(got.len(), 60);
    let host = "@localhost>";
    assert_eq!(got.iter().map(|m| m.message_id[1..].trim_end_matches(host).to_owned()).collect::<BTreeSet<_>>(), ids);
    mongodb::Client::with_uri_str(&mongo).await.unwrap().database(&database).drop().await.unwrap();
}

/// Stores every mail in memory.
#[derive(Default)]
struct Memory(Mutex<Vec<Mail>>);

#[async_trait]
impl Mailer for Memory {
    async fn send(&self, mail: &Mail) -> Result<(), Undelivered> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_this_node_put_in_leaves_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let config = Config::try_parse_from(["anonchat", "--data-dir", data, "--jwt-secret", SECRET]).unwrap();
    let memory = Arc::new(Memory::default());
    let mut app = boot::build(config).await.unwrap();
    Arc::get_mut(&mut app).unwrap().mailer = memory.clone();
    let worker = tokio::spawn(mails::run(app.clone()));
    let start = Instant::now();
    for sent in 1..=5 {
        app.store.put_mail(&mail("ada@example.org", Letter::LogInCode)).await.unwrap();
        app.mail_waits.notify_one();
        poll_until("the mail leaves", || async { memory.0.lock().unwrap().len() == sent }).await;
    }
    assert!(start.elapsed() < Duration::from_secs(4), "by looking every two seconds alone this takes eight");
    app.stopping.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_mail_whose_sender_was_killed_is_sent_when_its_lease_has_run_out() {
    let Some(server) = MailServer::shared() else { return };
    let (settings, address) = (settings(&server), new_address());
    server.answer(&address, &["hang"]).await;
    let record = mail(&address, Letter::Reset);
    put(&settings, &[&record]).await;
    let mut node = Node::start(&settings).await;
    poll_until("the mail is in hand", || async { server.attempts(&address).await.len() == 1 }).await;
    node.kill().await;

    let store = outbox(&settings);
    let now = clock::now();
    assert_eq!(store.lease_mails(now, now, 10).await.unwrap(), [], "it is leased");
    let [kept] = waiting(&store).await.try_into().unwrap();
    assert_eq!((kept.id, kept.attempts), (record.id, 2), "and there");
    // As if the lease had expired.
    store.postpone_mail(record.id, now).await.unwrap();
    store.close().await;
    drop(store);
    node.restart().await;
    mails_come(&server, &address, 1).await;
    assert!(node.terminate().await);
    assert_eq!(server.mails(&address).await.len(), 1);
    assert_eq!(waiting(&outbox(&settings)).await, []);
}

#[tokio::test]
async fn a_node_that_stops_finishes_the_mail_in_hand() {
    let Some(server) = MailServer::shared() else { return };
    let (settings, address) = (settings(&server), new_address());
    server.answer(&address, &["slow"]).await;
    put(&settings, &[&mail(&address, Letter::Reset)]).await;
    let mut node = Node::start(&settings).await;
    poll_until("the mail is in hand", || async { server.attempts(&address).await.len() == 1 }).await;
    assert!(node.terminate().await);
    assert_eq!(waiting(&outbox(&settings)).await, [], "it was noted that the mail is gone");
}

#[tokio::test]
async fn the_password_is_used_and_never_logged_and_a_wrong_one_costs_no_mail() {
    let Some(server) = MailServer::shared() else { return };
    let address = new_address();
    let url = |user: &str| server.url().replace("smtp://", &format!("smtp://{user}@"));
    let wrong = settings(&server).with("SMTP_URL", &url("anonchat:hunter2")).logged("debug");
    let record = mail(&address, Letter::Verify);
    put(&wrong, &[&record]).await;
    let mut node = Node::start(&wrong).await;
    poll_until("the mail is postponed", || async { wrong.log().contains("mail postponed") }).await;
    assert!(node.terminate().await);
    assert!(wrong.log().contains("535 5.7.8") && !wrong.log().contains("hunter2"), "{}", wrong.log());
    let store = outbox(&wrong);
    assert_eq!(waiting(&store).await.len(), 1);
    store.postpone_mail(record.id, clock::now()).await.unwrap();
    store.close().await;
    drop(store);

    let _node = Node::start(&wrong.with("SMTP_URL", &url("anonchat:secret"))).await;
    mails_come(&server, &address, 1).await;
    assert_eq!(server.mails(&address).await[0].user.as_deref(), Some("anonchat"));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_told_nothing() {
    let Some(server) = MailServer::shared() else { return };
    let address = new_address();
    let url = format!("{}?tls=required", server.url().replace("smtp://", "smtp://anonchat:secret@"));
    let settings = settings(&server).with("SMTP_URL", &url).logged("debug");
    put(&settings, &[&mail(&address, Letter::Verify)]).await;
    let mut node = Node::start(&settings).await;
    poll_until("the mail is postponed", || async { settings.log().contains("mail postponed") }).await;
    assert!(node.terminate().await);
    assert!(settings.log().contains("certificate"), "{}", settings.log());
    assert_eq!(server.attempts(&address).await.len(), 0);
    assert_eq!(waiting(&outbox(&settings)).await.len(), 1);
}

#[tokio::test]
async fn without_a_mail_server_mails_are_files_that_only_their_owner_reads() {
    let settings = Settings::embedded().with("JWT_SECRET", SECRET).logged("info");
    let record = mail("ada@example.org", Letter::Verify);
    put(&settings, &[&record]).await;
    let _node = Node::start(&settings).await;
    let folder = settings.data_dir().join("mail");
    let file = folder.join(format!("{}.eml", record.id.0));
    poll_until("the file is there", || async { file.exists() }).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&folder)), (0o600, 0o700));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&format!("Message-ID: <{}@localhost>", record.id.0)), "{text}");
    assert!(text.contains("To: ada@example.org"), "{text}");
    assert!(
        settings.log().contains("mail: files") && settings.log().contains(folder.to_str().unwrap()),
        "{}",
        settings.log()
    );
}

#[test]
fn settings_that_cannot_be_used_are_refused_at_start_with_the_reason_and_without_the_password() {
    let start = |setting: &str, value: &str| -> Output {
        let folder = tempfile::tempdir().unwrap();
        Command::new(env!("CARGO_BIN_EXE_anonchat"))
            .env_clear()
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("DATA_DIR", folder.path())
            .env(setting, value)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap()
    };
    for (setting, value, reason) in [
        ("SMTP_URL", "smtp://ada:hunter2@mail.example.org", "?tls=required"),
        ("SMTP_URL", "mail.example.org:hunter2", "smtps://user:password@host"),
        ("MAIL_FROM", "AnonChat", "AnonChat <chat@example.org>"),
        ("JWT_SECRET", "hunter2", "openssl rand -hex 32"),
    ] {
        let output = start(setting, value);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{setting}={value}");
        assert!(text.contains(setting) && text.contains(reason), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
