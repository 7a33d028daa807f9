//! Floor 3: the parts of a node, and who sends it a request.
//!
//! [`Node`] holds everything that requests and background tasks share. [`Visitor`] describes the sender of one request.
//! The other files count and limit what clients do, and list the open sockets.

mod after_answer;
mod allowance;
mod hashing;
mod limits;
mod networks;
mod open_sockets;
mod room_counts;
mod session_sockets;
mod storage_budgets;
mod streams;
mod watchers;

use std::{net::IpAddr, sync::Arc};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    bus::Bus,
    config::Config,
    keys::Keys,
    mail::{Letterhead, Mailer},
    room::{Discretion, Engine},
    socket::Pulse,
    store::{AccountRecord, ActorId, GuestRecord, SessionRecord, Store},
};
use crate::protocol::{Code, Email, Language, Problem};

pub use after_answer::AfterAnswer;
pub use allowance::{Allowance, Allowances, Rate};
pub use hashing::{Hasher, composed};
pub use limits::{Limits, SocketAllowance};
pub use networks::{Counted, Counts, Network};
pub use open_sockets::{OpenSocket, OpenSockets, Way};
pub use room_counts::RoomCounts;
pub use session_sockets::{SessionSocket, SessionSockets};
pub use storage_budgets::StorageBudgets;
pub use streams::{OpenStream, Post, StreamAddress, Streams};
pub use watchers::{Watch, WatchId, Watchers};

/// A shared node. Everything that runs on the node has a clone of it.
pub type App = Arc<Node>;

/// A node: its settings, its drivers, its engine, and its counters.
pub struct Node {
    pub config: Config,
    pub store: Arc<dyn Store>,
    /// The live state that nodes share.
    pub bus: Arc<dyn Bus>,
    pub engine: Engine,
    /// How often clients and persons may do something.
    pub limits: Limits,
    pub storage_budgets: StorageBudgets,
    /// The keys that sign access tokens and derive the secrets in mails.
    pub keys: Keys,
    pub mailer: Arc<dyn Mailer>,
    /// The content that all mails have in common.
    pub letterhead: Letterhead,
    /// Notified when this node has put a mail into the outbox, so that it is sent at once.
    pub mail_waits: Notify,
    /// The threads that hash and check passwords.
    pub hasher: Hasher,
    /// The open sockets of each person and each client, with their limits.
    pub open_sockets: OpenSockets,
    /// The requests under way of each client. Counted only if proxies are in front.
    pub under_way: Counts,
    /// When the rooms of an account have to be counted.
    pub room_counts: RoomCounts,
    /// The open sockets by the session that authenticates them.
    pub session_sockets: SessionSockets,
    /// The open streams, by the addresses to which their clients post.
    pub streams: Streams,
    /// The sockets that watch a list of rooms.
    pub watchers: Watchers,
    /// Work that is done after an answer, so that the answer reveals nothing of it, not even by its duration. It is
    /// finished before the store is closed.
    pub after_answer: AfterAnswer,
    /// Cancelled when the node begins to stop. From then on no new commands are read.
    pub stopping: CancellationToken,
    /// Cancelled when every room has finished its commands. Sockets then send their goodbye.
    pub drained: CancellationToken,
    /// The open sockets. A stopping node waits until they have sent their goodbyes.
    pub sockets: TaskTracker,
    /// The task that pings the sockets.
    pub pulse: Pulse,
}

/// A person across all rooms, as proved by a session or a guest's token.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A guest: somebody without an account.
    Guest(GuestRecord),
    Account {
        record: Box<AccountRecord>,
        /// The session that proves the account.
        session: Box<SessionRecord>,
    },
}

impl Actor {
    /// The id of the actor across all rooms.
    pub fn id(&self) -> ActorId {
        match self {
            Self::Guest(guest) => ActorId::Guest(guest.id),
            Self::Account { record, .. } => ActorId::Account(record.id),
        }
    }

    /// Whether the actor shows how far they have read, and that they type. Guests show both.
    pub fn discretion(&self) -> Discretion {
        match self {
            Self::Guest(_) => Discretion::default(),
            Self::Account { record, .. } => Discretion::from(&record.preferences),
        }
    }
}

/// The sender of a request: the client, and the actor if a session proves one.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The actor that the session proves; `None` before the first create or join.
    pub actor: Option<Actor>,
    /// The address that the request came from.
    pub client: IpAddr,
    /// The language of the browser.
    pub language: Language,
    pub browser: Browser,
}

/// What a browser sends beside its session.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The pass of an address with which this browser was logged in ([`Keys::pass`]).
    pub pass: Option<String>,
    /// Whether a page of another site made the browser send the request.
    pub is_cross_site: bool,
}

impl Visitor {
    /// Returns the actor, or the refusal for a visitor without a session.
    pub fn actor(&self) -> Result<&Actor, Problem> {
        self.actor.as_ref().ok_or_else(|| {
            Problem::new(Code::NoSession, "You’re not in a room yet. Create one, or join one by its code.")
        })
    }

    /// Returns the account and its session, or the refusal for a visitor who is not logged in.
    pub fn account(&self) -> Result<(&AccountRecord, &SessionRecord), Problem> {
        match &self.actor {
            Some(Actor::Account { record, session }) => Ok((record, session)),
            Some(Actor::Guest(_)) | None => Err(Problem::not_logged_in()),
        }
    }

    /// Whether this browser has a pass for this address: it was logged in with the address, or has proved it.
    pub fn is_known_to(&self, keys: &Keys, email: &Email) -> bool {
        self.browser.pass.as_deref().is_some_and(|pass| keys.is_pass(pass, email))
    }

    /// Returns the guest, if the actor is one.
    pub fn guest(&self) -> Option<&GuestRecord> {
        match &self.actor {
            Some(Actor::Guest(guest)) => Some(guest),
            Some(Actor::Account { .. }) | None => None,
        }
    }
}
