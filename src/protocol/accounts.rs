//! Bodies of the REST API about people: accounts, sessions and what proves them. Requests hold what was typed, unchecked.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Email, Millis, Nickname, Preferences, RoomCode,
    typed::{MailedCode, MailedToken, TypedEmail, TypedNickname, TypedPassword},
};

/// A password, a code or a token as it was typed. It does not print.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Secret(pub String);

impl Secret {
    /// The text, to be checked and forgotten.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `POST /api/auth/register`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Register {
    /// What to be called.
    #[schema(value_type = TypedNickname)]
    pub name: String,
    /// An address that the person reads.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// 8 to 256 characters that are not easily guessed. Left out, the account has none, and logs in by codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// The token of a mail that keeps a guest's room: the guest becomes this account, from whatever browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedToken>)]
    pub keep: Option<Secret>,
}

/// `POST /api/auth/login`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogIn {
    /// The account's address.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// The account's password.
    #[schema(value_type = TypedPassword)]
    pub password: Secret,
    /// The token of a mail that keeps a guest's room. One that is good no more keeps nobody out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedToken>)]
    pub keep: Option<Secret>,
}

/// `POST /api/auth/forgot-password`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ForgotPassword {
    /// The account's address.
    #[schema(value_type = TypedEmail)]
    pub email: String,
}

/// `POST /api/auth/reset-password`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ResetPassword {
    /// The token of the mail's link.
    #[schema(value_type = MailedToken)]
    pub token: Secret,
    /// The password from here on.
    #[schema(value_type = TypedPassword)]
    pub new_password: Secret,
}

/// `POST /api/auth/verify`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifyEmail {
    /// The token of the mail's link.
    #[schema(value_type = MailedToken)]
    pub token: Secret,
}

/// What a code by mail is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeUse {
    /// To log in.
    #[default]
    LogIn,
    /// To confirm, while logged in, what a password would confirm.
    Confirm,
}

/// `POST /api/auth/code`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequestCode {
    /// The account's address; not needed to confirm.
    #[serde(default)]
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// What for.
    #[serde(default, rename = "for")]
    pub purpose: CodeUse,
}

/// `POST /api/auth/login-code`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogInByCode {
    /// The address that the code was sent to.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// The eight digits.
    #[schema(value_type = MailedCode)]
    pub code: Secret,
    /// The token of a mail that keeps a guest's room. One that is good no more keeps nobody out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedToken>)]
    pub keep: Option<Secret>,
}

/// `POST /api/auth/password-strength`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MeasurePassword {
    /// The password to be.
    #[schema(value_type = String, example = "nine purple lanterns")]
    pub password: Secret,
    /// What the person is called, which is a bad password.
    #[serde(default)]
    #[schema(example = "Ada")]
    pub name: String,
    /// Their address, which is another.
    #[serde(default)]
    #[schema(example = "ada@example.org")]
    pub email: String,
}

/// How good a password is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordStrength {
    /// 0 (guessed at once) to 4 (not to be guessed), as zxcvbn counts.
    #[schema(minimum = 0, maximum = 4, example = 4)]
    pub score: u8,
    /// Whether it would be taken.
    pub accepted: bool,
    /// What would make it better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The same, for who says it in words of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<PasswordHint>,
}

/// What is wrong with a password, or would make it better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordHint {
    /// It is one of those that are tried first, or like one.
    Common,
    /// It is a row or a pattern of keys.
    Keys,
    /// Something is repeated.
    Repeats,
    /// It is a sequence, such as abc or 6543.
    Sequence,
    /// It is a date or a year.
    Date,
    /// It is a name.
    Name,
    /// It is a word by itself.
    Word,
    /// Capitals, reversed words and signs in the place of letters hardly help.
    Disguise,
    /// Another word or two would help, and better uncommon ones.
    MoreWords,
}

impl PasswordHint {
    /// Every hint, in the order of its declaration.
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

/// Proof that it is really the account's person who asks for what cannot be undone.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Confirmation {
    /// The account's password;
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// or a code by mail (`POST /api/auth/code` with `"for": "confirm"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
}

/// `PUT /api/users/name`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangeName {
    /// What to be called. In rooms one is in already, one's name stays.
    #[schema(value_type = TypedNickname)]
    pub name: String,
}

/// `PUT /api/users/email`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangeEmail {
    /// The new address. It is the account's once the link in the mail to it was followed; until then the old one holds.
    #[schema(value_type = TypedEmail)]
    pub email: String,
    /// The account's password;
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// or a code by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
}

/// `PUT /api/users/password`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The password from here on.
    #[schema(value_type = TypedPassword)]
    pub new_password: Secret,
    /// The password until now;
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// or a code by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
}

/// What becomes of what somebody said who deletes their account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnMessages {
    /// It stays, as of a deleted account.
    #[default]
    Keep,
    /// It is erased where it is kept.
    Erase,
}

impl OwnMessages {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Erase => "erase",
        }
    }
}

/// `DELETE /api/users/me`. A guest needs none of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct DeleteMe {
    /// The account's password;
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedPassword>)]
    pub password: Option<Secret>,
    /// or a code by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MailedCode>)]
    pub code: Option<Secret>,
    /// What becomes of one's messages.
    #[serde(default)]
    pub messages: OwnMessages,
}

/// `POST /api/rooms/keep`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeepRoom {
    /// The guest's room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Where to send the link that brings them back to it, and to registering.
    #[schema(value_type = TypedEmail)]
    pub email: String,
}

/// An account, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// What they are called.
    pub name: Nickname,
    /// Their address. None if they only claimed one, and somebody else has proved to read it.
    pub email: Option<Email>,
    /// Whether a mail has proved that they read it. Until then only mails depend on it.
    pub verified: bool,
    /// Another address that they want instead, and that has yet to be proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_email: Option<Email>,
    /// When an address that is not proved is let go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_ends_at: Option<Millis>,
    /// Whether they have a password.
    pub has_password: bool,
    /// What they chose.
    pub preferences: Preferences,
    /// When they registered.
    pub created_at: Millis,
}

/// A browser that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Which, to end it.
    pub id: Uuid,
    /// What it runs on.
    #[schema(example = "Firefox on Android")]
    pub device: String,
    /// When it logged in.
    pub created_at: Millis,
    /// When it was last used; to within some minutes.
    pub used_at: Millis,
    /// When it ends at the latest, however much it is used. Without use it ends after 60 days.
    pub ends_at: Millis,
    /// Whether it is the one that asks.
    pub current: bool,
}
