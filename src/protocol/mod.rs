//! Floor 0: every type that crosses the wire, and the fold that computes a room's state from its log.
//!
//! A room is an ordered log of [`Event`]s. The server and every client is a replica: it applies the same events with
//! [`RoomState::apply`], so all replicas agree.
//!
//! The module compiles for the server and for the browser: no clocks, no randomness, no I/O. To read it, begin with
//! `event` (the log's entries), `state` (the fold), `socket` (the frames of `/ws`) and `rest` (the bodies of REST). The
//! docs of types with `ToSchema` are the descriptions in the public OpenAPI document.
//!
//! Not here: how events are stored ([`crate`]'s `server::store`), shared between nodes (`server::bus`) and ordered
//! (`server::room`).

// Every public item is a part of the wire, and OpenAPI shows the docs of many.
#![warn(missing_docs)]

mod accounts;
pub mod addresses;
mod code;
mod detaching;
mod draft;
mod email;
mod event;
mod ids;
mod invisible;
pub mod limits;
mod links;
mod local;
mod look;
pub mod markdown;
mod mentions;
mod names;
mod open;
mod page;
mod preferences;
mod preferences_form;
mod problem;
mod reactions;
mod replica;
mod rest;
mod search;
mod socket;
pub mod sorted;
mod state;
mod summary;
mod text;
mod touches;
mod typed;

pub use accounts::{
    ChangeEmail, ChangeName, ChangePassword, CodeUse, Confirmation, DeleteMe, ForgotPassword, KeepRoom, LogIn,
    LogInByCode, MeasurePassword, OwnMessages, PasswordHint, PasswordStrength, Profile, Register, RequestCode,
    ResetPassword, Secret, SessionView, VerifyEmail,
};
pub use code::{InvalidCode, RoomCode, display_char};
pub use draft::{Draft, DraftKind, DraftState};
pub use email::{Email, InvalidEmail};
pub use event::{Edit, Event, EventKind, Message, OwnerChange, Person, ReactionChange, Retention, RoomType, Target};
pub use ids::{ClientId, Epoch, MemberId, Millis, Seq};
pub use invisible::is_invisible;
pub use links::{Link, links};
pub use local::LocalTime;
pub use look::{HUES, Look};
pub use mentions::{EVERYONE, Mentions, mentions_in};
pub use names::friendly_name;
pub use open::Unread;
pub use page::{Identity, JoinOffer, MailReach, Page, RefusedForm, RoomAccess, Visit};
pub use preferences::{Accent, HourCycle, Language, Notify, Preferences, TextSize, Theme};
pub use preferences_form::PreferencesForm;
pub use problem::{Code, Problem, Reason};
pub use reactions::{Emoji, Reaction, react};
pub use replica::{Received, Replica, Top};
pub use rest::{
    Ack, AllowPeek, AwayQuery, CreateRoom, DeleteMessage, DepartedReader, EditMessage, ExportQuery, FreePlace,
    GiveRoom, HistoryPage, HistoryQuery, JoinRoom, KickMember, LeaveRoom, MemberView, MuteRoom, NotifyOfRoom, Peek,
    PeekRoom, PeekedRoom, PreserveRoom, Quotes, QuotesQuery, ReactToMessage, ReadMark, RenameRoom, Role, RoomView,
    SendMessage, Snapshot, Touched, You,
};
pub use search::{SearchHit, SearchPage, SearchQuery, TextRange};
pub use socket::{ByeReason, ClientFrame, ResetReason, ServerFrame, Signal};
pub use state::{Applied, Member, RoomState};
pub use summary::{Companion, Newcomer, Preview, RoomSummary};
pub use text::{InvalidText, MessageBody, Nickname, RoomName, TextKind};
pub use touches::editable_for;
