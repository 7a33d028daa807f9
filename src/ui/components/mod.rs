//! Components that several pages share. Their input is plain values and signals, and they load no data.

mod announcer;
mod brand;
mod connection;
mod copy_button;
mod dialog;
mod entry_buttons;
mod field;
mod frame;
mod icon;
mod language;
mod list;
mod message;
mod moment;
mod portrait;
mod problem;
mod sentence;
mod submit;
mod when;

pub use announcer::Announcer;
pub use brand::Brand;
pub use connection::ConnectionBanner;
pub use copy_button::CopyButton;
pub use dialog::Dialog;
pub use entry_buttons::EntryButtons;
pub use field::TextField;
pub use frame::Frame;
pub use icon::{Icon, Shape};
pub use language::{LanguageChoice, own_name};
pub use list::{ItemKey, List};
pub use message::MessageItem;
pub use moment::MomentText;
pub use portrait::Portrait;
pub use problem::{FormProblem, detail_for};
pub use sentence::sentence;
pub use submit::Submit;
pub use when::When;
