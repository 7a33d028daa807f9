//! The words of letters in German.

use std::time::Duration;

use super::{Tongue, Words};
use crate::server::store::Letter;

pub(super) const TONGUE: Tongue = Tongue {
    code: "de",
    hello: "Hallo",
    or_open: "Oder öffne diese Adresse:",
    sent_by: "Gesendet von AnonChat auf",
    no_answers: "Antworten auf diese Mail liest niemand.",
    span,
    words,
};

fn span(time: Duration) -> String {
    match time.as_secs() / 60 {
        minutes if minutes < 120 => format!("{minutes} Minuten"),
        minutes => format!("{} Stunden", minutes / 60),
    }
}

fn words(letter: &Letter, life: &str) -> Words {
    let once = format!("Der Link gilt einmal und {life} lang.");
    match letter {
        Letter::Verify => Words {
            subject: "Bestätige deine E-Mail-Adresse",
            before: vec!["Diese Adresse wurde AnonChat als deine angegeben. Bitte bestätige, dass sie es ist.".to_owned()],
            button: Some("Adresse bestätigen"),
            after: vec![
                once,
                "Wenn du nicht weißt, worum es geht, tu nichts, dann bleibt die Adresse unbestätigt.".to_owned(),
            ],
        },
        Letter::HasAccount => Words {
            subject: "Du hast schon ein Konto",
            before: vec![
                "Jemand, wahrscheinlich du, wollte sich mit dieser Adresse registrieren. Zu ihr gibt es schon ein Konto, \
                 darum hat sich nichts geändert."
                    .to_owned(),
                "Melde dich mit deinem Passwort an oder mit einem Code, der per Mail kommt. Dort kannst du auch ein neues \
                 Passwort setzen, wenn du deines vergessen hast."
                    .to_owned(),
            ],
            button: Some("Anmelden"),
            after: vec![
                "Wenn du das nicht warst, tu nichts. Niemand ist hineingekommen, und niemand hat erfahren, dass du hier bist."
                    .to_owned(),
            ],
        },
        Letter::LogInCode => Words {
            subject: "Dein Code zum Anmelden",
            before: vec!["Gib diesen Code dort ein, wo du dich anmeldest:".to_owned()],
            button: None,
            after: vec![
                format!("Er gilt einmal und {life} lang. Gib ihn niemandem: Wer ihn hat, kann sich als du anmelden."),
                "Wenn du dich gerade nicht anmeldest, tu nichts. Ohne den Code kommt niemand hinein.".to_owned(),
            ],
        },
        Letter::ConfirmCode => Words {
            subject: "Dein Code zum Bestätigen",
            before: vec![
                "Du bist dabei, etwas Wichtiges an deinem Konto zu ändern. Gib zum Bestätigen diesen Code ein:".to_owned(),
            ],
            button: None,
            after: vec![
                format!("Er gilt einmal und {life} lang. Gib ihn niemandem."),
                "Wenn du das nicht warst, ist jemand anderes als du angemeldet: Melde dich an, setze ein neues Passwort und \
                 beende die anderen Sitzungen."
                    .to_owned(),
            ],
        },
        Letter::Reset => Words {
            subject: "Setze ein neues Passwort",
            before: vec!["Du hast um ein neues Passwort gebeten. Wähle es hier:".to_owned()],
            button: Some("Neues Passwort setzen"),
            after: vec![
                format!("{once} Wenn das Passwort gesetzt ist, bist du überall abgemeldet."),
                "Wenn du nicht darum gebeten hast, tu nichts. Dein Passwort bleibt, wie es ist.".to_owned(),
            ],
        },
        Letter::PasswordChanged => Words {
            subject: "Dein Passwort wurde geändert",
            before: vec!["Das Passwort deines Kontos wurde geändert. Wenn du das warst, ist alles gut.".to_owned()],
            button: Some("Ich war das nicht"),
            after: vec!["Der Knopf führt zu einem neuen Passwort, das alle aus deinem Konto abmeldet.".to_owned()],
        },
        Letter::AddressChanged => Words {
            subject: "Deine Adresse wurde geändert",
            before: vec![
                "Dein Konto hat jetzt eine andere Adresse, und diese wird nicht mehr verwendet. Wenn du das warst, ist \
                 alles gut."
                    .to_owned(),
                "Wenn nicht, melde dich an, setze ein neues Passwort, beende die anderen Sitzungen und trage deine Adresse \
                 wieder ein. Kannst du dich nicht mehr anmelden, wende dich an die Leute, die diesen Server betreiben."
                    .to_owned(),
            ],
            button: Some("Anmelden"),
            after: Vec::new(),
        },
        Letter::KeepRoom { code } => Words {
            subject: "Der Weg zurück in deinen Raum",
            before: vec![
                format!("Du hast diese Adresse hinterlassen, um den Raum {} zu behalten.", code.spaced()),
                "Registriere dich über den Link, und der Raum ist in deinem Konto: mit deinem Namen, dem, was du geschrieben \
                 hast, und dem, was du noch nicht gelesen hast."
                    .to_owned(),
            ],
            button: Some("Raum behalten"),
            after: vec![
                once,
                "Wenn du nicht weißt, worum es geht, tu nichts, und die Adresse wird vergessen.".to_owned(),
            ],
        },
    }
}
