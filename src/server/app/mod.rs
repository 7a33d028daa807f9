//! Floor 3: what a node is made of, and who asks it for something.

mod allowance;
mod limits;
mod lines;
mod networks;
mod open_sockets;
mod passwords;
mod room_counts;
mod storing;
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

pub use allowance::{Allowance, Allowances, Rate};
pub use limits::{Limits, SocketAllowance};
pub use lines::{Line, Lines};
pub use networks::{Counted, Counts, Network};
pub use open_sockets::{OpenSocket, OpenSockets};
pub use passwords::{Passwords, composed};
pub use room_counts::RoomCounts;
pub use storing::Storing;
pub use watchers::{Watch, WatchId, Watchers};

/// A node, as everything that runs on it has it.
pub type App = Arc<Node>;

/// A node: its settings, its drivers, its engine.
pub struct Node {
    /// The settings.
    pub config: Config,
    /// The durable truth.
    pub store: Arc<dyn Store>,
    /// What nodes share.
    pub bus: Arc<dyn Bus>,
    /// The live rooms.
    pub engine: Engine,
    /// What one client may do in a time.
    pub limits: Limits,
    /// How much may be kept.
    pub storing: Storing,
    /// What tokens are signed with, and the secrets in mails made.
    pub keys: Keys,
    /// The way out for mails.
    pub mailer: Arc<dyn Mailer>,
    /// What all mails have in common.
    pub letterhead: Letterhead,
    /// Notified when this node put a mail into the outbox, which is then sent at once.
    pub mail_waits: Notify,
    /// Where passwords are checked.
    pub passwords: Passwords,
    /// How many sockets each person and each client has.
    pub open_sockets: OpenSockets,
    /// Requests of each client, where proxies are in front.
    pub under_way: Counts,
    /// When an account’s rooms are counted.
    pub room_counts: RoomCounts,
    /// The sockets that stand on a session.
    pub lines: Lines,
    /// The sockets that watch a list of rooms.
    pub watchers: Watchers,
    /// What is done after an answer, so that the answer says nothing of it; finished before the store is closed.
    pub errands: TaskTracker,
    /// Cancelled when the node begins to stop: nothing new is read.
    pub stopping: CancellationToken,
    /// Cancelled when every room has finished what it took: sockets may say goodbye.
    pub drained: CancellationToken,
    /// The open sockets, to wait for their goodbyes.
    pub sockets: TaskTracker,
    /// What pings them.
    pub pulse: Pulse,
}

/// Who acts.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Somebody without an account.
    Guest(GuestRecord),
    /// Somebody with one.
    Account {
        /// The account.
        record: Box<AccountRecord>,
        /// What proves it.
        session: Box<SessionRecord>,
    },
}

impl Actor {
    /// Who they are across rooms.
    pub fn id(&self) -> ActorId {
        match self {
            Self::Guest(guest) => ActorId::Guest(guest.id),
            Self::Account { record, .. } => ActorId::Account(record.id),
        }
    }

    /// What they show of themselves. Guests show everything.
    pub fn discretion(&self) -> Discretion {
        match self {
            Self::Guest(_) => Discretion::default(),
            Self::Account { record, .. } => Discretion::from(&record.preferences),
        }
    }
}

/// Who asks: the client, and the actor if their session is known.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whom the session proves; `None` before the first create or join.
    pub actor: Option<Actor>,
    /// Where they ask from.
    pub client: IpAddr,
    /// What their browser speaks.
    pub language: Language,
    /// What else their browser brings.
    pub browser: Browser,
}

/// What a browser brings beside a session.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The pass of an address by which it was logged in once ([`Keys::pass`]).
    pub pass: Option<String>,
    /// Whether another site made it ask.
    pub is_led_here: bool,
}

impl Visitor {
    /// The actor, or the refusal for somebody without a session.
    pub fn actor(&self) -> Result<&Actor, Problem> {
        self.actor.as_ref().ok_or_else(|| {
            Problem::new(Code::NoSession, "You are not in a room yet. Make one, or join one by its code.")
        })
    }

    /// The account and its session, or the refusal for whoever is not logged in.
    pub fn account(&self) -> Result<(&AccountRecord, &SessionRecord), Problem> {
        match &self.actor {
            Some(Actor::Account { record, session }) => Ok((record, session)),
            Some(Actor::Guest(_)) | None => Err(Problem::not_logged_in()),
        }
    }

    /// Whether this browser was logged in once by this address, which had been proved.
    pub fn is_known_to(&self, keys: &Keys, email: &Email) -> bool {
        self.browser.pass.as_deref().is_some_and(|pass| keys.is_pass(pass, email))
    }

    /// The guest, if it is one.
    pub fn guest(&self) -> Option<&GuestRecord> {
        match &self.actor {
            Some(Actor::Guest(guest)) => Some(guest),
            Some(Actor::Account { .. }) | None => None,
        }
    }
}
