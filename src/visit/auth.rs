//! The content of a page about logging in and registering.

use crate::protocol::{Nickname, Problem, RoomCode};

/// All data of a page about logging in and registering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthVisit {
    pub page: AuthPage,
    /// Where to go after logging in: a path of this site.
    pub next: String,
    /// The name of the account that is logged in, if any.
    pub account: Option<Nickname>,
    /// Whether the asker is a guest.
    pub guest: bool,
    /// The typed name.
    pub name: String,
    /// The typed email address.
    pub email: String,
    /// The token of the mailed link.
    pub token: String,
    /// The random number of the form. The server recognises a form that is sent twice by it.
    pub form: String,
    /// The URL that a form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// A page about logging in and registering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthPage {
    /// The form for registering.
    Register,
    /// The form for logging in.
    #[default]
    LogIn,
    /// The form for logging in, after a new password was set.
    LogInAfterReset,
    /// The form for logging in, after the browser's session has ended.
    LogInAgain,
    /// Says that this account is logged in already.
    LoggedIn(Nickname),
    /// The form for the mailed code.
    Code,
    /// The form that asks for a new password.
    ForgotPassword,
    /// Says that a mail with a link for a new password is on its way.
    ForgotPasswordSent,
    /// The form for a new password.
    ResetPassword,
    /// The form for a password, after the address was proved by the same link.
    SetPassword,
    /// Says that this link, or another, has already set a new password.
    UsedLink,
    /// The form with a button that proves an address. Opening the page proves nothing, because programs that scan mail
    /// open links.
    Verify {
        /// The email address as shown to people.
        email: String,
        /// The name of the account that claims the address.
        name: Nickname,
        /// Whether the browser is logged in as that account. From any other browser, proving the address ends the
        /// account's password and sessions.
        is_here: bool,
        /// The name of another account that the browser is logged in as.
        other: Option<Nickname>,
    },
    /// Says that the address is proved.
    Verified,
    /// Says that the link is not valid any more.
    Stale(Problem),
    /// Shows what the server knows of a guest, with a button to be forgotten.
    Guest {
        /// The guest's nickname, or `None` for a person of whom the server knows nothing.
        nickname: Option<Nickname>,
        /// The room that the guest is in.
        room: Option<RoomCode>,
    },
    /// Says that the guest is forgotten.
    Forgotten,
    /// Says that the account is deleted.
    Deleted,
    /// Says that the page cannot be shown at the moment. `next` is the URL of the page itself, to try again.
    Unavailable(Problem),
}
