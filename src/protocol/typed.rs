//! Schemas of text fields in requests, for the OpenAPI description only.
//!
//! The request types hold plain strings, so that a use case can refuse a wrong one with a sentence. These types
//! describe what a use case accepts. No value of them is ever made. The limits are those of [`limits`](super::limits),
//! and `tests/it/openapi.rs` compares them.

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
    /// The name of a person: one line of text.
    TypedNickname { min_length = 1, max_length = 32, example = "Ada" }
    /// The name of a person, where the server makes one up or takes the account's if it is empty: one line of text.
    TypedNicknameOrNone { max_length = 32, example = "Ada" }
    /// The name of a room: one line of text. Empty means no name.
    TypedRoomName { max_length = 64, example = "Chess on Sundays" }
    /// The text of a message, of one or more lines.
    TypedMessage { min_length = 1, max_length = 4000, example = "Shall we meet at seven?" }
    /// One emoji of the list of recommended emoji (RGI).
    TypedEmoji { min_length = 1, max_length = 35, example = "👍" }
    /// An email address.
    TypedEmail { format = "email", max_length = 254, example = "ada@example.org" }
    /// A password that is not easily guessed. `POST /api/auth/password-strength` rates one.
    TypedPassword { min_length = 8, max_length = 256, example = "nine purple lanterns" }
    /// A password that is not easily guessed. Empty means that the account logs in by codes.
    TypedPasswordOrNone { max_length = 256, example = "nine purple lanterns" }
    /// The eight digits of a mailed code.
    MailedCode { pattern = "^[0-9]{8}$", example = "20481632" }
    /// The token from the link in a mail.
    MailedToken { pattern = "^[A-Za-z0-9_-]{43}$", example = "gWq1c0Jx2kV3m9yB7n4sT6u8w0z1a2b3c4d5e6f7g8h" }
}
