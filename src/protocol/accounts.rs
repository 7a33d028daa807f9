//! REST bodies about people: accounts, sessions, and the passwords, codes and tokens that prove who somebody is.
//!
//! Fields of a request hold the text exactly as the client sent it, unchecked. The use cases of the server check it, so
//! that a refusal can name the field and the reason. The pages use the same types for their forms. Bodies about rooms
//! and messages are in `rest`.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Email, Millis, Nickname, Preferences, RoomCode,
    typed::{MailedCode, MailedToken, TypedEmail, TypedNickname, TypedPassword, TypedPasswordOrNone},
};

/// A password, a code or a token, as it was typed. `Debug` prints a placeholder, so that no secret reaches a log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Secret(pub String);

impl Secret {
    /// The secret text. Use it for the check only and do not store it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Body of `POST /api/auth/register`: makes an account and logs in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Register {
    /// The account's display name.
    #[schema(value_type = TypedNickname)]
    pub name: String,
    /// The email address of the account. A mail to it carries the link that proves it.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// The password: 8 to 256 characters, not easily guessed. Without one the account has no password and logs in by
    /// codes that are mailed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPasswordOrNone>)]
    pub password: Option<Secret>,
    /// The token of a link from `POST /api/rooms/keep`. The guest who asked for that link becomes this account,
    /// whichever browser registers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedToken>)]
    pub keep: Option<Secret>,
}

/// Body of `POST /api/auth/login`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogIn {
    /// The account's email address.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// The account's password.
    #[schema(value_type = TypedPassword)]
    pub password: Secret,
    /// The token of a link from `POST /api/rooms/keep`: the guest who asked for the link becomes this account. An
    /// expired or unknown token is ignored, and logging in still succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "gWq1c0Jx2kV3m9yB7n4sT6u8w0z1a2b3c4d5e6f7g8h")]
    pub keep: Option<Secret>,
}

/// Body of `POST /api/auth/forgot-password`: mails a link for a new password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ForgotPassword {
    /// The account's email address.
    #[schema(value_type = TypedEmail)]
    pub email: String,
}

/// Body of `POST /api/auth/reset-password`: sets a new password and ends all sessions of the account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ResetPassword {
    /// The token of the mailed link.
    #[schema(value_type = MailedToken)]
    pub token: Secret,
    /// The new password.
    #[schema(value_type = TypedPassword)]
    pub new_password: Secret,
}

/// Body of `POST /api/auth/verify`: proves that the account's address belongs to the person who opened the mail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifyEmail {
    /// The token of the mailed link.
    #[schema(value_type = MailedToken)]
    pub token: Secret,
}

/// The purpose of a mailed code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeUse {
    /// Logs in.
    #[default]
    LogIn,
    /// Confirms an action while logged in, in place of the password.
    Confirm,
}

/// Body of `POST /api/auth/code`: mails a code of eight digits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequestCode {
    /// The account's email address. Needed to log in only: a code that confirms goes to the account that is logged in.
    #[serde(default)]
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// What the code is used for.
    #[serde(default, rename = "for")]
    pub purpose: CodeUse,
}

/// Body of `POST /api/auth/login-code`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogInByCode {
    /// The email address that the code was sent to.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// The eight digits of the code.
    #[schema(value_type = MailedCode)]
    pub code: Secret,
    /// The token of a link from `POST /api/rooms/keep`: the guest who asked for the link becomes this account. An
    /// expired or unknown token is ignored, and logging in still succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "gWq1c0Jx2kV3m9yB7n4sT6u8w0z1a2b3c4d5e6f7g8h")]
    pub keep: Option<Secret>,
}

/// Body of `POST /api/auth/password-strength`: rates a password before it is chosen.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MeasurePassword {
    /// The password to rate.
    #[schema(value_type = String, example = "nine purple lanterns")]
    pub password: Secret,
    /// The person's name. A password that contains it is rated lower.
    #[serde(default)]
    #[schema(example = "Ada")]
    pub name: String,
    /// The person's email address. A password that contains it is rated lower.
    #[serde(default)]
    #[schema(example = "ada@example.org")]
    pub email: String,
}

/// The rating of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordStrength {
    /// From 0 (guessed at once) to 4 (practically not guessable), as zxcvbn scores it.
    #[schema(minimum = 0, maximum = 4, example = 4)]
    pub score: u8,
    /// Whether registering would accept this password.
    pub accepted: bool,
    /// English advice on making the password better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The same advice as machine-readable hints, for clients that write their own texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<PasswordHint>,
}

/// A weakness of a password, or a way to make it better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordHint {
    /// The password is, or resembles, one of those that attackers try first.
    Common,
    /// The password is a row or a pattern of keys on the keyboard.
    Keys,
    /// The password repeats characters or words.
    Repeats,
    /// The password is a sequence, such as abc or 6543.
    Sequence,
    /// The password is a date or a year.
    Date,
    /// The password is a name.
    Name,
    /// The password is a single word.
    Word,
    /// Capitals, reversed words, and digits or signs in place of letters hardly help.
    Disguise,
    /// One or two more words, best uncommon ones, make the password better.
    MoreWords,
}

impl PasswordHint {
    /// Every hint, in the order of declaration.
    pub const ALL: &[Self] = &[
        Self::Common,
        Self::Keys,
        Self::Repeats,
        Self::Sequence,
        Self::Date,
        Self::Name,
        Self::Word,
        Self::Disguise,
        Self::MoreWords,
    ];
}

/// Proof that the account's owner asks for an action that cannot be undone: the password or a mailed code.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Confirmation {
    /// The account's password. Give either this or `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// A code that was mailed by `POST /api/auth/code` with `"for": "confirm"`. It takes the place of `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
}

/// Body of `PUT /api/users/name`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangeName {
    /// The new display name. It applies to rooms joined later. Rooms that the account is in already keep the old name.
    #[schema(value_type = TypedNickname)]
    pub name: String,
}

/// Body of `PUT /api/users/email`: mails a link to the new address.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangeEmail {
    /// The new email address. The account gets it when the link in that mail is followed. Until then the old address
    /// stays valid.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// The account's password. Give either this or `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// A code that was mailed by `POST /api/auth/code` with `"for": "confirm"`. It takes the place of `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
}

/// Body of `PUT /api/users/password`: sets the password and ends all other sessions of the account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The new password.
    #[schema(value_type = TypedPassword)]
    pub new_password: Secret,
    /// The current password. Give either this or `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// A code that was mailed by `POST /api/auth/code` with `"for": "confirm"`. It takes the place of `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
}

/// What happens to the messages of an account that is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnMessages {
    /// Messages stay, under the name of a deleted account.
    #[default]
    Keep,
    /// The text of the messages is erased in every room that still has them.
    Erase,
}

impl OwnMessages {
    /// The choice's name in JSON and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Erase => "erase",
        }
    }
}

/// Body of `DELETE /api/users/me`: deletes the account. A guest needs no body.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct DeleteMe {
    /// The account's password. Give either this or `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// A code that was mailed by `POST /api/auth/code` with `"for": "confirm"`. It takes the place of `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
    /// What happens to the account's messages.
    #[serde(default)]
    pub messages: OwnMessages,
}

/// Body of `POST /api/rooms/keep`: mails a guest a link to their room, so that registering by it keeps the room.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeepRoom {
    /// The code of the room that the guest is in.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The email address for the link. The link leads to registering and back to the room.
    #[schema(value_type = TypedEmail)]
    pub email: String,
}

/// An account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// The account's display name.
    pub name: Nickname,
    /// The account's email address. Null if the account only claimed an address and another account has proved it
    /// since.
    pub email: Option<Email>,
    /// Whether the owner has proved, by a mailed link or code, that they read the address. Everything works before that
    /// too, but it is not certain that mail reaches the account.
    pub verified: bool,
    /// The new address of a pending change. It replaces `email` once the mailed link is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_email: Option<Email>,
    /// When the account loses an address that is not proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_ends_at: Option<Millis>,
    /// Whether the account has a password.
    pub has_password: bool,
    /// The account's preferences.
    pub preferences: Preferences,
    /// When the account was registered.
    pub created_at: Millis,
}

/// One session of an account: a browser that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// The id of the session, for `DELETE /api/auth/sessions/{id}`.
    pub id: Uuid,
    /// The browser and system of the session, as its `User-Agent` names them.
    #[schema(example = "Firefox on Android")]
    pub device: String,
    /// When the session began.
    pub created_at: Millis,
    /// When the session was last used, exact to a few minutes.
    pub used_at: Millis,
    /// When the session ends at the latest, however often it is used. A session that is not used ends after 60 days.
    pub ends_at: Millis,
    /// Whether this is the session of the request.
    pub current: bool,
}
