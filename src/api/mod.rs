//! Floor 5: server functions, which the forms of the pages are sent to.
//!
//! A form is sent to the same URL with and without the wasm, so every form works before the wasm is loaded and without
//! scripts. Each function reads the request, calls one use case of `server::domain`, and returns. On refusal it sends
//! the form back with what was typed.
//!
//! The bodies are compiled for the server only. The browser needs only the URLs (`ui::form`). Other programs and the
//! live room use REST (`server/http`), which calls the same use cases.

mod accounts;
mod look;
mod preferences;
mod rooms;

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};

pub use accounts::{
    ForgetMe, ForgotPassword, KeepRoom, LogIn, LogInByCode, LogOut, Register, RequestCode, ResetPassword, VerifyEmail,
    forget_me, forgot_password, keep_room, log_in, log_in_by_code, log_out, register, request_code, reset_password,
    verify_email,
};
pub use look::{ChooseLanguage, choose_language};
pub use preferences::{
    ChangeEmail, ChangePassword, ChooseAppearance, ChooseChatting, DeleteAccount, EndOtherSessions, EndSession,
    RenameAccount, SendConfirmation, change_email, change_password, choose_appearance, choose_chatting, delete_account,
    end_other_sessions, end_session, rename_account, send_confirmation,
};
pub use rooms::{
    AllowPeek, CreateRoom, FreePlace, GiveRoom, JoinRoom, KickMember, LeaveRoom, PreserveRoom, RenameRoom, allow_peek,
    create_room, free_place, give_room, join_room, kick_member, leave_room, preserve_room, rename_room,
};

use crate::protocol::{Code, Problem};

/// Converts errors of Leptos' server functions (transport, arguments, encoding) to a [`Problem`].
impl FromServerFnError for Problem {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::MiddlewareError(_) => Self::unreachable(),
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(Code::Malformed, "Something went wrong. Reload the page and try again.")
            }
            _ => Self::new(Code::Internal, "Something went wrong. Nothing you typed was lost. Try again."),
        }
    }
}
