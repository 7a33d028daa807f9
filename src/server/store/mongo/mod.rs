//! MongoDB: the store that several nodes share. It needs a replica set (one node is enough) or a sharded cluster.
//!
//! Writes are acknowledged by the majority and its journal. Reads go to the primary and return what the majority has.
//! Changes of several documents run in a transaction (the macro `transaction!`). Every call ends within [`PATIENCE`],
//! or [`LONG_PATIENCE`] for background work, retries included. After a lost connection the outcome of a write is
//! unknown, and the call returns [`StoreError::Other`].
//!
//! Two transactions that only read the same document do not conflict, even if together they break a rule. Therefore
//! some documents have a write counter (`holds` of an account, `touches` of a room) that such transactions increment
//! (`write_counters.rs`).
//! `indexes.rs` has the unique indexes, `documents.rs` the documents that several nouns need, `appends.rs` the way of
//! messages into the archive, and `adoption.rs` the way of a guest into an account. The other files implement one trait
//! each. The reasons are in `docs/decisions/0003-two-stores.md`.

mod accounts;
mod adoption;
mod appends;
mod documents;
mod events;
mod guests;
mod indexes;
mod mails;
mod members;
mod rooms;
mod search;
mod sessions;
mod tokens;
mod write_counters;

use std::{panic::Location, time::Duration};

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
use super::{Result, Store, StoreError, count_failure, search::Unindexed};
use crate::server::clock;

/// Time limit for one call, retries included. Users are to get the error of a failed request within five seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// Time limit for background work that may touch many documents.
const LONG_PATIENCE: Duration = Duration::from_mins(1);
/// How long to look for a primary. An election usually takes less.
const SELECTION: Duration = Duration::from_secs(3);
/// How long to wait for one server's handshake, and for its heartbeat.
const CONNECT: Duration = Duration::from_secs(2);
/// Maximum of connections, unless the URI has another. The driver's own default of 10 is too few for a busy node.
const CONNECTIONS: u32 = 64;
/// Maximum of transactions at the same time; more wait. Far fewer than [`CONNECTIONS`]: other calls may occupy
/// connections while they wait for a document that a transaction has written. The transaction must never have to wait
/// for one of those connections.
const TRANSACTIONS: usize = 8;
/// The first pause before a transaction is retried. The pauses grow up to twenty times this.
const PAUSE: Duration = Duration::from_millis(5);

pub struct Mongo {
    client: Client,
    pub(super) database: Database,
    transactions: Semaphore,
    appends: Appends,
    rooms: Collection<documents::RoomDocument>,
    members: Collection<documents::MemberDocument>,
    events: Collection<documents::EventDocument>,
    guests: Collection<documents::GuestDocument>,
    accounts: Collection<documents::AccountDocument>,
    sessions: Collection<sessions::SessionDocument>,
    tokens: Collection<tokens::TokenDocument>,
    mails: Collection<mails::MailDocument>,
    search: Collection<search::TermsDocument>,
    indexed: Collection<search::CursorDocument>,
    unindexed: Unindexed,
}

impl Mongo {
    /// Connects, checks that the server supports what the store needs, and creates the missing indexes.
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
            search: database.collection("search"),
            indexed: database.collection("indexed"),
            unindexed: Unindexed::default(),
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

    /// Waits until fewer than [`TRANSACTIONS`] transactions run. The permit is held while the caller's transaction
    /// runs.
    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        Ok(self.transactions.acquire().await.context("MongoDB is closed")?)
    }

    /// Starts a session, and a transaction in it.
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
        // Deletes nothing, but is a write: it needs a primary, and waits until the majority has all that was written
        // before it.
        within(PATIENCE, async {
            self.rooms.delete_one(doc! { "_id": binary(Uuid::nil()) }).await?;
            Ok(())
        })
        .await
    }

    async fn close(&self) {
        // Waits for sessions that are still being ended, at most for [`PATIENCE`].
        let _ = timeout(PATIENCE, self.client.clone().shutdown()).await;
    }
}

/// Logs a command as it begins, without its values. Set up only if tracing is enabled
/// (`LOG=anonchat::server::store=trace`).
fn show_command(event: CommandEvent) {
    if let CommandEvent::Started(event) = event {
        let collection = event.command.get_str(&event.command_name).unwrap_or_default();
        tracing::trace!(command = event.command_name, collection, "MongoDB");
    }
}

/// Runs a body in a transaction until the transaction commits, fails for good, or the time limit of the caller ends
/// (see [`within`]).
///
/// The body is a future of `Result<T, Failure>` that uses the session. This is a macro because the compiler cannot show
/// that an async closure that borrows both its session and its surroundings is `Send` (rust-lang/rust#96865).
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

/// The outcome of a transaction's body.
type Attempt<T> = std::result::Result<T, Failure>;

/// Why the body of a transaction failed.
enum Failure {
    /// The driver returned an error, for which a retry may help.
    Driver(Error),
    /// The body returns this error to its caller, and its changes are to be undone. It is not retried.
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

/// Commits or aborts a transaction, depending on the outcome of its body. `None` if the body has to run again.
async fn end<T>(mut session: ClientSession, outcome: Attempt<T>) -> Option<Attempt<T>> {
    match outcome {
        Ok(value) => loop {
            match session.commit_transaction().await {
                Ok(()) => return Some(Ok(value)),
                // Committing again is harmless, and returns the outcome of the first commit.
                Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => sleep(PAUSE).await,
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => return None,
                Err(error) => return Some(Err(error.into())),
            }
        },
        Err(failure) => {
            // If the abort fails, the server undoes the transaction by itself.
            let _ = session.abort_transaction().await;
            match failure {
                Failure::Driver(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => None,
                failure => Some(Err(failure)),
            }
        }
    }
}

/// Sleeps for a random part of the pause, so that conflicting transactions do not retry at the same time. Then makes
/// the next pause longer.
async fn rest(pause: &mut Duration) {
    let part = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    sleep(pause.mul_f64(part)).await;
    *pause = (*pause * 3 / 2).min(PAUSE * 20);
}

/// Ends a call with an error if it takes too long. The driver closes the connection that the call was using.
#[track_caller]
fn within<T>(patience: Duration, call: impl Future<Output = Result<T>>) -> impl Future<Output = Result<T>> {
    let caller = Location::caller();
    async move {
        let outcome = timeout(patience, call).await.context("MongoDB takes too long");
        count_failure(caller, outcome.map_err(StoreError::from).flatten())
    }
}

/// Returns which document of an insert failed, and the name of the unique index that refused it. The name is in the
/// server's message: "E11000 duplicate key error collection: db.rooms index: NAME dup key: …".
fn duplicate(error: &Error) -> Option<(usize, &str)> {
    const DUPLICATE_KEY: i32 = 11_000;
    let (index, code, message) = match error.kind.as_ref() {
        // Without the majority's acknowledgement, the documents before the failed one may be lost again.
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
        // The server's message about a duplicate has the values, which must not get into a log.
        match duplicate(&error) {
            Some((_, index)) => Self::Other(anyhow!("a duplicate in the index {index}")),
            None => Self::Other(error.into()),
        }
    }
}

/// Converts a UUID to MongoDB's form (binary, subtype 4).
fn binary(id: Uuid) -> bson::Uuid {
    bson::Uuid::from_bytes(id.into_bytes())
}

fn uuid(id: bson::Uuid) -> Uuid {
    Uuid::from_bytes(id.bytes())
}

/// Returns the limit of a query, at least 1, since 0 means no limit to MongoDB.
fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).max(1)
}

/// Reads the UUID in a field of an aggregation's result.
fn uuid_field(document: &Document, field: &str) -> Result<Uuid> {
    let value = document.get(field).and_then(|value| match value {
        bson::Bson::Binary(binary) => binary.to_uuid().ok(),
        _ => None,
    });
    Ok(uuid(value.with_context(|| format!("{field} of an answer is no UUID"))?))
}
