//! The words of letters in German.

use std::time::Duration;

use super::{Tongue, Words};
use crate::server::store::Letter;

pub(super) const TONGUE: Tongue = Tongue {
    code: "de",
    hello: "Hallo",
    or_open: "Oder öffne diesen Link:",
    sent_by: "Gesendet von AnonChat auf",
    no_answers: "Antworten auf diese E-Mail werden nicht gelesen.",
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
            before: vec![
                "Diese Adresse wurde bei AnonChat angegeben. Bitte bestätige, dass sie dir gehört.".to_owned(),
            ],
            button: Some("Adresse bestätigen"),
            after: vec![
                once,
                "Das warst du nicht? Ignorier diese E-Mail, dann bleibt die Adresse unbestätigt.".to_owned(),
            ],
        },
        Letter::HasAccount => Words {
            subject: "Du hast schon ein Konto",
            before: vec![
                "Jemand, wahrscheinlich du, wollte sich mit dieser Adresse registrieren. Zu ihr gibt es schon ein \
                 Konto, deshalb hat sich nichts geändert."
                    .to_owned(),
                "Melde dich mit deinem Passwort an oder mit einem Code, den wir dir per E-Mail schicken. Hast du \
                 dein Passwort vergessen, kannst du dort ein neues festlegen."
                    .to_owned(),
            ],
            button: Some("Anmelden"),
            after: vec![
                "Das warst du nicht? Ignorier diese E-Mail. Niemand ist hineingekommen, und niemand hat erfahren, \
                 dass du ein Konto hast."
                    .to_owned(),
            ],
        },
        Letter::LogInCode => Words {
            subject: "Dein Code zum Anmelden",
            before: vec!["Gib diesen Code dort ein, wo du dich anmeldest:".to_owned()],
            button: None,
            after: vec![
                format!(
                    "Er gilt einmal und {life} lang. Gib ihn nicht weiter: Wer ihn hat, kann sich als du anmelden."
                ),
                "Du meldest dich gerade nicht an? Ignorier diese E-Mail. Ohne den Code kommt niemand hinein."
                    .to_owned(),
            ],
        },
        Letter::ConfirmCode => Words {
            subject: "Dein Code zum Bestätigen",
            before: vec![
                "Du bist dabei, etwas Wichtiges an deinem Konto zu ändern. Gib zum Bestätigen diesen Code ein:"
                    .to_owned(),
            ],
            button: None,
            after: vec![
                format!("Er gilt einmal und {life} lang. Gib ihn nicht weiter."),
                "Das warst du nicht? Dann ist jemand anderes als du angemeldet: Melde dich an, leg ein neues \
                 Passwort fest und melde die anderen Geräte ab."
                    .to_owned(),
            ],
        },
        Letter::Reset => Words {
            subject: "Leg ein neues Passwort fest",
            before: vec!["Du hast um ein neues Passwort gebeten. Wähl es hier:".to_owned()],
            button: Some("Neues Passwort festlegen"),
            after: vec![
                format!("{once} Mit dem neuen Passwort wirst du überall abgemeldet."),
                "Du hast nicht darum gebeten? Ignorier diese E-Mail. Dein Passwort bleibt, wie es ist.".to_owned(),
            ],
        },
        Letter::PasswordChanged => Words {
            subject: "Dein Passwort wurde geändert",
            before: vec![
                "Das Passwort deines Kontos wurde geändert. Wenn du das warst, musst du nichts tun.".to_owned(),
            ],
            button: Some("Ich war das nicht"),
            after: vec![
                "Mit dem Knopf legst du ein neues Passwort fest. Damit werden alle aus deinem Konto abgemeldet."
                    .to_owned(),
            ],
        },
        Letter::AddressChanged => Words {
            subject: "Deine E-Mail-Adresse wurde geändert",
            before: vec![
                "Dein Konto hat jetzt eine andere E-Mail-Adresse, und diese wird nicht mehr verwendet. Wenn du das \
                 warst, musst du nichts tun."
                    .to_owned(),
                "Wenn nicht, melde dich an, leg ein neues Passwort fest, melde die anderen Geräte ab und trag deine \
                 Adresse wieder ein. Kannst du dich nicht mehr anmelden, wende dich an die Leute, die diesen Server \
                 betreiben."
                    .to_owned(),
            ],
            button: Some("Anmelden"),
            after: Vec::new(),
        },
        Letter::KeepRoom { code } => Words {
            subject: "Behalte deinen Raum",
            before: vec![
                format!("Du möchtest den Raum {} behalten.", code.spaced()),
                "Registrier dich über diesen Link, und der Raum ist in deinem Konto: mit deinem Namen, deinen \
                 Nachrichten und dem, was du noch nicht gelesen hast."
                    .to_owned(),
            ],
            button: Some("Raum behalten"),
            after: vec![once, "Das warst du nicht? Ignorier diese E-Mail, und wir vergessen die Adresse.".to_owned()],
        },
    }
}
