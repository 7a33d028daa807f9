//! The words of letters in English.

use std::time::Duration;

use super::{Tongue, Words};
use crate::server::store::Letter;

pub(super) const TONGUE: Tongue = Tongue {
    code: "en",
    hello: "Hello",
    or_open: "Or open this link:",
    sent_by: "Sent by AnonChat at",
    no_answers: "Replies to this email aren’t read.",
    span,
    words,
};

fn span(time: Duration) -> String {
    match time.as_secs() / 60 {
        minutes if minutes < 120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    }
}

fn words(letter: &Letter, life: &str) -> Words {
    let once = format!("The link works once, for {life}.");
    match letter {
        Letter::Verify => Words {
            subject: "Confirm your email address",
            before: vec!["This address was given to AnonChat. Please confirm that it’s yours.".to_owned()],
            button: Some("Confirm address"),
            after: vec![once, "Didn’t ask for this? Ignore this email, and the address stays unconfirmed.".to_owned()],
        },
        Letter::HasAccount => Words {
            subject: "You already have an account",
            before: vec![
                "Someone, probably you, tried to register with this address. It already has an account, so nothing \
                 has changed."
                    .to_owned(),
                "Log in with your password, or with a code we email you. If you forgot your password, you can set a \
                 new one there."
                    .to_owned(),
            ],
            button: Some("Log in"),
            after: vec![
                "Wasn’t you? Ignore this email. Nobody got in, and nobody was told that you have an account."
                    .to_owned(),
            ],
        },
        Letter::LogInCode => Words {
            subject: "Your login code",
            before: vec!["Enter this code where you’re logging in:".to_owned()],
            button: None,
            after: vec![
                format!("It works once, for {life}. Don’t share it: anyone who has it can log in as you."),
                "Not logging in? Ignore this email. Without the code, nobody gets in.".to_owned(),
            ],
        },
        Letter::ConfirmCode => Words {
            subject: "Your confirmation code",
            before: vec![
                "You’re about to change something important in your account. Enter this code to confirm it:".to_owned(),
            ],
            button: None,
            after: vec![
                format!("It works once, for {life}. Don’t share it with anyone."),
                "Wasn’t you? Then someone else is logged in as you. Log in, set a new password and log out the other \
                 devices."
                    .to_owned(),
            ],
        },
        Letter::Reset => Words {
            subject: "Set a new password",
            before: vec!["You asked for a new password. Choose it here:".to_owned()],
            button: Some("Set a new password"),
            after: vec![
                format!("{once} When you set the password, you’re logged out everywhere."),
                "Didn’t ask for this? Ignore this email. Your password stays the same.".to_owned(),
            ],
        },
        Letter::PasswordChanged => Words {
            subject: "Your password was changed",
            before: vec![
                "The password of your account was changed. If that was you, there’s nothing to do.".to_owned(),
            ],
            button: Some("It wasn’t me"),
            after: vec!["Use the button to set a new password. That logs everyone out of your account.".to_owned()],
        },
        Letter::AddressChanged => Words {
            subject: "Your email address was changed",
            before: vec![
                "Your account has another email address now, and this one is no longer used. If that was you, \
                 there’s nothing to do."
                    .to_owned(),
                "If it wasn’t, log in, set a new password, log out the other devices and set your address again. If \
                 you can’t log in any more, contact whoever runs this server."
                    .to_owned(),
            ],
            button: Some("Log in"),
            after: Vec::new(),
        },
        Letter::KeepRoom { code } => Words {
            subject: "Keep your room",
            before: vec![
                format!("You asked to keep room {}.", code.spaced()),
                "Register with this link, and the room is in your account, with your name, your messages and what \
                 you haven’t read yet."
                    .to_owned(),
            ],
            button: Some("Keep the room"),
            after: vec![once, "Didn’t ask for this? Ignore this email, and we forget the address.".to_owned()],
        },
    }
}
