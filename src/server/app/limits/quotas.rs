//! The quotas: how often each action is allowed, per client, person or socket, and the times that belong to them.
//!
//! How they are counted is in the module above.

use std::time::Duration;

use crate::server::{app::allowance::Rate, bus::Quota};

/// Rooms made, per client.
pub(super) const CREATE: Quota = Quota { burst: 20, per: Duration::from_mins(10) };
/// Joins, per client. A school behind one address fits.
pub(super) const JOIN: Quota = Quota { burst: 300, per: Duration::from_mins(5) };
/// Requests for what a room shows before one joins, per client: as many as joins.
pub(super) const PEEK: Quota = JOIN;
/// Codes that led to no room, per client. A client beyond that is blocked for a time, at the node that counted the
/// miss.
pub(super) const MISS: Quota = Quota { burst: 10, per: Duration::from_mins(1) };
/// Codes that led to no room, over all clients. When this is used up, the server assumes a search from many addresses:
/// each miss blocks its network for [`SEARCH_PAUSE`], and clients of networks from which nobody has found a room need
/// one unit of this quota for each try. Together these clients try as many codes as the quota is refilled with.
pub(super) const MISS_ANYWHERE: Quota = Quota { burst: 600, per: Duration::from_mins(1) };
/// How long a search is assumed to last after the quota was last found empty, and how long a miss blocks its network
/// meanwhile.
pub(super) const SEARCH_PAUSE: Duration = Duration::from_mins(1);
/// How long a miss with the same code from the same network is not counted again. So a wrong link that many people of
/// one network open, or that one person opens and then joins by, is one miss.
pub(super) const SAME_MISS: Duration = Duration::from_mins(10);
/// How long a network counts as known after somebody found a room from it.
pub(super) const KNOWN: Duration = Duration::from_hours(7 * 24);
/// The maximum number of known networks that a node remembers.
pub(super) const KNOWN_NETWORKS: usize = 100_000;
/// The number of locks by which clients try codes one at a time. A client's widest network selects its lock. So of many
/// tries at once, each is checked after the misses before it were counted.
pub(super) const TURNS: usize = 256;
/// Accounts made, per client.
pub(super) const REGISTER: Quota = Quota { burst: 40, per: Duration::from_hours(1) };
/// Log-ins tried, per client, for any address.
pub(super) const LOG_IN: Quota = Quota { burst: 60, per: Duration::from_mins(10) };
/// Proofs (passwords or codes) tried for one account, per client. The more were tried, the longer is the wait for the
/// next. Tries of other clients do not count, so nobody can lock out the owner.
pub(super) const GUESS: [Quota; 3] = [
    Quota { burst: 5, per: Duration::from_mins(1) },
    Quota { burst: 20, per: Duration::from_hours(1) },
    Quota { burst: 60, per: Duration::from_hours(24) },
];
/// Mails asked for, per client.
pub(super) const MAIL: Quota = Quota { burst: 30, per: Duration::from_hours(1) };
/// Mails to one address, per client.
pub(super) const MAIL_TO_ONE: Quota = Quota { burst: 5, per: Duration::from_mins(10) };
/// Codes sent to one mailbox, over all clients. Browsers that were logged in with the address have a quota of their
/// own, so strangers cannot use up what the owner needs.
pub(super) const CODES_TO_ONE: Quota = Quota { burst: 10, per: Duration::from_hours(1) };
/// Other letters sent to one mailbox, over all clients, with the same separation. Links for a new password are not
/// counted here: a mailbox gets at most as many as can be valid at once.
pub(super) const LETTERS_TO_ONE: Quota = Quota { burst: 5, per: Duration::from_hours(1) };
/// Codes tried for one address, over all clients; docs/decisions/0022 has the arithmetic. Beyond that no code is
/// judged, and the answer is the one for a wrong code. Browsers that were logged in with the address have a quota of
/// their own.
pub(super) const CODE_TRIES: [Quota; 2] =
    [Quota { burst: 30, per: Duration::from_hours(1) }, Quota { burst: 150, per: Duration::from_hours(24) }];
/// Codes tried for all addresses together. Browsers that were logged in with the address are not counted.
pub(super) const CODE_TRIES_ANYWHERE: Quota = Quota { burst: 600, per: Duration::from_hours(1) };
/// Codes and links from mails tried, per client.
pub(super) const CODE: Quota = Quota { burst: 30, per: Duration::from_mins(10) };
/// Passwords changed, per client, of any account.
pub(super) const CHANGE: Quota = Quota { burst: 30, per: Duration::from_mins(10) };
/// Estimates of a password's strength, per client.
pub(super) const MEASURE: Quota = Quota { burst: 60, per: Duration::from_mins(1) };
/// Downloads of everything that is stored about an account, per client.
pub(super) const TAKE_OUT: Quota = Quota { burst: 5, per: Duration::from_hours(1) };
/// Downloads of a room's messages, per client.
pub(super) const EXPORT: Quota = Quota { burst: 20, per: Duration::from_hours(1) };
/// Settings changed, per person. A setting whose change becomes an event counts as a message instead.
pub(super) const SETTINGS: Quota = Quota { burst: 30, per: Duration::from_mins(10) };
/// Messages and other actions that become an event, per person and node: this many at once.
pub(super) const SEND_BURST: u32 = 20;
/// Messages and other actions that become an event, per person and node: this many a second without end.
pub(super) const SEND_PER_SECOND: u32 = 5;
/// Requests that read (pages and other data), per client and node. It is enough for two hundred people behind one
/// address whose network blocks sockets: their pages ask every three seconds.
pub(super) const READ: Quota = Quota { burst: 9_000, per: Duration::from_mins(2) };
/// Requests that read, per person and node.
pub(super) const READ_OF_ONE: Quota = Quota { burst: 300, per: Duration::from_secs(100) };
/// Posts to streams, per person and node: as many as the frames that a socket may send.
pub(super) const POST: Quota = Quota { burst: 200, per: Duration::from_secs(4) };
/// Bytes of answers, per client and node. A client beyond that waits before its next request.
pub(super) const ANSWERS: Rate = Rate { burst: 128 * 1024 * 1024, per_second: 4 * 1024 * 1024 };
/// Bytes of answers on one socket.
pub(super) const ANSWERS_OF_SOCKET: Rate = Rate { burst: 16 * 1024 * 1024, per_second: 256 * 1024 };
/// The shortest pause between two requests of one socket for all rooms of an account.
pub(super) const WATCH: Duration = Duration::from_secs(5);
/// How long a message from a socket waits for its turn in the quota of messages. The wait is longer only if the same
/// person sends many messages by other ways.
pub(super) const SEND_PATIENCE: Duration = Duration::from_secs(5);
/// Changes of earlier messages (editing, deleting), per person and node. Each rewrites what nodes and stores have of
/// the message, so the quota is smaller than that of messages.
pub(super) const TOUCH: Quota = Quota { burst: 20, per: Duration::from_secs(20) };
/// Searches of messages, per person and node.
pub(super) const SEARCH: Quota = Quota { burst: 30, per: Duration::from_mins(1) };
/// Reactions, per person and node. They do not count as [`TOUCH`], so that who reacts can still delete.
pub(super) const REACT: Quota = TOUCH;
