//! The words of letters in English.

use std::time::Duration;

use super::{Tongue, Words};
use crate::server::store::Letter;

pub(super) const TONGUE: Tongue = Tongue {
    code: "en",
    hello: "Hello",
    or_open: "Or open this address:",
    sent_by: "Sent by AnonChat at",
    no_answers: "Nobody reads answers to this mail.",
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
            before: vec!["This address was given to AnonChat as yours. Please confirm that it is.".to_owned()],
            button: Some("Confirm address"),
            after: vec![
                once,
                "If you do not know what this is about, do nothing, and the address stays unconfirmed.".to_owned(),
            ],
        },
        Letter::HasAccount => Words {
            subject: "You already have an account",
            before: vec![
                "Somebody, probably you, wanted to register with this address. There is an account by it already, so nothing \
                 has changed."
                    .to_owned(),
                "Log in with your password, or with a code that comes by mail. There you can also set a new password if you \
                 forgot yours."
                    .to_owned(),
            ],
            button: Some("Log in"),
            after: vec!["If it was not you, do nothing. Nobody got in, and nobody was told that you are here.".to_owned()],
        },
        Letter::LogInCode => Words {
            subject: "Your code to log in",
            before: vec!["Type this code where you are logging in:".to_owned()],
            button: None,
            after: vec![
                format!("It works once, for {life}. Give it to nobody: whoever has it can log in as you."),
                "If you are not logging in, do nothing. Without the code nobody gets in.".to_owned(),
            ],
        },
        Letter::ConfirmCode => Words {
            subject: "Your code to confirm",
            before: vec!["You are about to change something important in your account. To confirm it, type this code:".to_owned()],
            button: None,
            after: vec![
                format!("It works once, for {life}. Give it to nobody."),
                "If it was not you, somebody else is logged in as you: log in, set a new password, and end the other sessions."
                    .to_owned(),
            ],
        },
        Letter::Reset => Words {
            subject: "Set a new password",
            before: vec!["You asked for a new password. Choose it here:".to_owned()],
            button: Some("Set a new password"),
            after: vec![
                format!("{once} Once the password is set, you are logged out everywhere."),
                "If you did not ask for it, do nothing. Your password stays as it is.".to_owned(),
            ],
        },
        Letter::PasswordChanged => Words {
            subject: "Your password was changed",
            before: vec!["The password of your account was changed. If that was you, all is well.".to_owned()],
            button: Some("It was not me"),
            after: vec!["The button leads to a new password, which logs everybody out of your account.".to_owned()],
        },
        Letter::AddressChanged => Words {
            subject: "Your address was changed",
            before: vec![
                "Your account has another email address now, and this one is no longer used. If that was you, all is well.".to_owned(),
                "If it was not, log in, set a new password, end the other sessions and set your address again. If you cannot \
                 log in any more, turn to whoever runs this server."
                    .to_owned(),
            ],
            button: Some("Log in"),
            after: Vec::new(),
        },
        Letter::KeepRoom { code } => Words {
            subject: "The way back to your room",
            before: vec![
                format!("You left this address to keep the room {}.", code.spaced()),
                "Register with the link, and the room is in your account: with your name, what you wrote and what you have not \
                 read yet."
                    .to_owned(),
            ],
            button: Some("Keep the room"),
            after: vec![once, "If you do not know what this is about, do nothing, and the address is forgotten.".to_owned()],
        },
    }
}
