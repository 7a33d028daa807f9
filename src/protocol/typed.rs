//! What text in a request has to look like, for the description of the API. The requests themselves hold what was typed,
//! unchecked, so that the use case can say what is wrong with it in words.
//!
//! The limits are those of [`limits`](super::limits); `tests/doors.rs` compares them.

use utoipa::ToSchema;

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident { $($schema:tt)* })*) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema)]
            #[schema(value_type = String, $($schema)*)]
            pub struct $name(());
        )*
    };
}

described! {
    /// What somebody is called: one line.
    TypedNickname { min_length = 1, max_length = 32, example = "Ada" }
    /// What a room is called: one line. Empty for no name.
    TypedRoomName { max_length = 64, example = "Chess on Sundays" }
    /// What is said: lines of text.
    TypedMessage { min_length = 1, max_length = 4000, example = "Shall we meet at seven?" }
    /// An address of mail.
    TypedEmail { format = "email", max_length = 254, example = "ada@example.org" }
    /// A password that is not easily guessed (`POST /api/auth/password-strength`).
    TypedPassword { min_length = 8, max_length = 256, example = "nine purple lanterns" }
    /// A code that came by mail: its eight digits.
    MailedCode { pattern = "^[0-9]{8}$", example = "20481632" }
    /// A token from a link that came by mail.
    MailedToken { pattern = "^[A-Za-z0-9_-]{43}$", example = "gWq1c0Jx2kV3m9yB7n4sT6u8w0z1a2b3c4d5e6f7g8h" }
}
