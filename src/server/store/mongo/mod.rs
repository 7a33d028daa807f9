//! MongoDB: the store that many nodes share. A replica set (one node is enough) or a sharded cluster.
//!
//! Writes are acknowledged by the majority and its journal, reads are of what the majority has, from the primary. What spans
//! documents runs in a transaction. Every call ends within [`PATIENCE`], or [`LONG_PATIENCE`] for background work, retries
//! included; after a lost connection the outcome is unknown, and the answer is [`StoreError::Other`].

mod accounts;
mod appends;
mod events;
mod guests;
mod indexes;
mod mails;
mod members;
mod rooms;
mod sessions;
mod tokens;

use std::time::Duration;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use mongodb::{
    Client, ClientSession, Collection, Database, bson,
    bson::{Document, doc},
    error::{Error, ErrorKind, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure},
    event::{EventHandler, command::CommandEvent},
    options::{Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{sleep, timeout},
};
use uuid::Uuid;

use self::appends::Appends;
use super::{Result, Store, StoreError};
use crate::server::clock;

/// How long one call may take in all. People are told of a failure within five seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// The same for background work that may touch many documents.
const LONG_PATIENCE: Duration = Duration::from_mins(1);
/// How long to look for a primary; an election usually takes less.
const SELECTION: Duration = Duration::from_secs(3);
/// How long to wait for one server's handshake, and for its heartbeat.
const CONNECT: Duration = Duration::from_secs(2);
/// Connections at most, unless the URI says otherwise; the driver's own default of 10 is few for a busy node.
const CONNECTIONS: u32 = 64;
/// Transactions at once; more wait for their turn. Far fewer than [`CONNECTIONS`]: one that is halfway, with others waiting
/// for what it holds, must never wait for a connection that they have.
const TRANSACTIONS: usize = 8;
/// The first pause before a transaction is tried again; it grows up to twenty times this.
const PAUSE: Duration = Duration::from_millis(5);

/// A store in a MongoDB database.
pub struct Mongo {
    client: Client,
    pub(super) database: Database,
    transactions: Semaphore,
    appends: Appends,
    rooms: Collection<rooms::RoomDocument>,
    members: Collection<members::MemberDocument>,
    events: Collection<events::EventDocument>,
    guests: Collection<guests::GuestDocument>,
    accounts: Collection<accounts::AccountDocument>,
    sessions: Collection<sessions::SessionDocument>,
    tokens: Collection<tokens::TokenDocument>,
    mails: Collection<mails::MailDocument>,
}

impl Mongo {
    /// Connects, checks that the server can do what is needed, and makes the indexes that are missing.
    ///
    /// Refuses a standalone server, and a database whose indexes are not the ones that guard the data.
    pub async fn connect(uri: &str, database_name: &str) -> Result<Self> {
        let mut options = ClientOptions::parse(uri).await.context("reading MONGO_URI")?;
        options.app_name.get_or_insert_with(|| "anonchat".into());
        options.max_pool_size.get_or_insert(CONNECTIONS);
        options.server_selection_timeout = Some(SELECTION);
        options.connect_timeout = Some(CONNECT);
        options.retry_reads = Some(true);
        options.retry_writes = Some(true);
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.read_concern = Some(ReadConcern::majority());
        options.write_concern =
            Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(PATIENCE).build());
        if tracing::enabled!(tracing::Level::TRACE) {
            options.command_event_handler = Some(EventHandler::callback(show_command));
        }
        let client = Client::with_options(options).context("using MONGO_URI")?;
        let database = client.database(database_name);
        let store = Self {
            rooms: database.collection("rooms"),
            members: database.collection("members"),
            appends: Appends::start(database.collection("events")),
            events: database.collection("events"),
            guests: database.collection("guests"),
            accounts: database.collection("accounts"),
            sessions: database.collection("sessions"),
            tokens: database.collection("tokens"),
            mails: database.collection("mails"),
            transactions: Semaphore::new(TRANSACTIONS),
            client,
            database,
        };
        within(PATIENCE, store.check_topology()).await?;
        within(LONG_PATIENCE, async { Ok(indexes::ensure(&store.database).await?) }).await?;
        within(LONG_PATIENCE, store.bring_up_to_date(clock::now())).await?;
        Ok(store)
    }

    async fn check_topology(&self) -> Result<()> {
        let hello = self.database.run_command(doc! { "hello": 1 }).await.context(
            "MongoDB has no primary that can be reached. If its replica set is new, run rs.initiate() on it once",
        )?;
        if hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") {
            return Ok(());
        }
        Err(anyhow!(
            "MongoDB runs as a standalone server, which cannot keep AnonChat's promises. Start it with --replSet rs0 and run \
             rs.initiate() on it once; a replica set of one node is enough"
        )
        .into())
    }

    /// Waits for one of the [`TRANSACTIONS`].
    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        Ok(self.transactions.acquire().await.context("MongoDB is closed")?)
    }

    /// A session with a transaction begun in it.
    async fn begin(&self) -> Result<ClientSession> {
        let mut session = self.client.start_session().await?;
        session.start_transaction().await?;
        Ok(session)
    }
}

#[async_trait]
impl Store for Mongo {
    fn is_shared(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<()> {
        // Deletes nothing, but is a write: it needs a primary, and waits for the majority to have all that came before it.
        within(PATIENCE, async {
            self.rooms.delete_one(doc! { "_id": binary(Uuid::nil()) }).await?;
            Ok(())
        })
        .await
    }

    async fn close(&self) {
        // Waits for sessions that are still being ended, within reason.
        let _ = timeout(PATIENCE, self.client.clone().shutdown()).await;
    }
}

/// Logs a command as it begins, without its values; set up if somebody asks for that (`LOG=anonchat::server::store=trace`).
fn show_command(event: CommandEvent) {
    if let CommandEvent::Started(event) = event {
        let collection = event.command.get_str(&event.command_name).unwrap_or_default();
        tracing::trace!(command = event.command_name, collection, "MongoDB");
    }
}

/// Runs a body in a transaction until it commits, fails for good, or the caller's patience ends (see [`within`]).
///
/// The body is a future of `Result<T, Failure>` that uses the session. A macro, since an async closure that borrows both
/// its session and its surroundings cannot be shown to be `Send` (rust-lang/rust#96865).
macro_rules! transaction {
    ($mongo:expr, |$session:ident| $body:expr) => {{
        let _turn = $mongo.turn().await?;
        let mut pause = $crate::server::store::mongo::PAUSE;
        loop {
            let mut session = $mongo.begin().await?;
            let $session = &mut session;
            let outcome = $body.await;
            if let Some(outcome) = $crate::server::store::mongo::end(session, outcome).await {
                break outcome;
            }
            $crate::server::store::mongo::rest(&mut pause).await;
        }
    }};
}
use transaction;

/// What the body of a transaction came to.
type Attempt<T> = std::result::Result<T, Failure>;

/// Why the body of a transaction failed.
enum Failure {
    /// The driver said so; it may be worth another try.
    Driver(Error),
    /// The body has its answer, and wants nothing of what it did kept.
    Answer(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Answer(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver(error) => error.into(),
            Failure::Answer(error) => error,
        }
    }
}

/// Ends a transaction as its body came out; `None` if it has to be run again.
async fn end<T>(mut session: ClientSession, outcome: Attempt<T>) -> Option<Attempt<T>> {
    match outcome {
        Ok(value) => loop {
            match session.commit_transaction().await {
                Ok(()) => return Some(Ok(value)),
                // Committing again is harmless, and tells what became of the first time.
                Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => sleep(PAUSE).await,
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => return None,
                Err(error) => return Some(Err(error.into())),
            }
        },
        Err(failure) => {
            // What cannot be undone now, the server undoes by itself.
            let _ = session.abort_transaction().await;
            match failure {
                Failure::Driver(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => None,
                failure => Some(Err(failure)),
            }
        }
    }
}

/// Sleeps for a random part of the pause, so that rivals part, and makes the next one longer.
async fn rest(pause: &mut Duration) {
    let part = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    sleep(pause.mul_f64(part)).await;
    *pause = (*pause * 3 / 2).min(PAUSE * 20);
}

/// Gives up on a call that takes too long. The driver closes the connection that it was using.
async fn within<T>(patience: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(patience, call).await.context("MongoDB takes too long")?
}

/// Which document of an insert, and which unique index, made a write fail. The index's name is in the server's message:
/// "E11000 duplicate key error collection: db.rooms index: NAME dup key: …".
fn duplicate(error: &Error) -> Option<(usize, &str)> {
    const DUPLICATE_KEY: i32 = 11_000;
    let (index, code, message) = match error.kind.as_ref() {
        // Without the majority's word the prefix is not known to be safe.
        ErrorKind::InsertMany(failed) if failed.write_concern_error.is_none() => {
            let first = failed.write_errors.as_ref()?.first()?;
            (first.index, first.code, &first.message)
        }
        ErrorKind::Write(WriteFailure::WriteError(failed)) => (0, failed.code, &failed.message),
        ErrorKind::Command(failed) => (0, failed.code, &failed.message),
        _ => return None,
    };
    let name = message.split_once(" index: ")?.1.split(' ').next()?;
    (code == DUPLICATE_KEY).then_some((index, name))
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        // The server's message of a duplicate has the values, which are nobody's business in a log.
        match duplicate(&error) {
            Some((_, index)) => Self::Other(anyhow!("a duplicate in the index {index}")),
            None => Self::Other(error.into()),
        }
    }
}

/// A UUID as MongoDB keeps it (binary, subtype 4).
fn binary(id: Uuid) -> bson::Uuid {
    bson::Uuid::from_bytes(id.into_bytes())
}

/// Back again.
fn uuid(id: bson::Uuid) -> Uuid {
    Uuid::from_bytes(id.bytes())
}

/// The limit of a query, at least 1: MongoDB takes 0 for none.
fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).max(1)
}

/// The UUID in a field of an aggregation's answer.
fn uuid_field(document: &Document, field: &str) -> Result<Uuid> {
    let value = document.get(field).and_then(|value| match value {
        bson::Bson::Binary(binary) => binary.to_uuid().ok(),
        _ => None,
    });
    Ok(uuid(value.with_context(|| format!("{field} of an answer is no UUID"))?))
}
