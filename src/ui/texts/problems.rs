//! The text of a problem, in the language of the page.
//!
//! A problem's own sentence (`detail`) is English and written for programs and their authors. The page therefore takes
//! its text by the problem's reason, else by its code. Only if neither says exactly what happened is `detail` shown.

use crate::protocol::{Code, Problem, Reason, TextKind, display_char};

use super::{Problems, Texts};

impl Problems {
    /// Says that a text is too long, if it is.
    pub fn too_long(&self, what: TextKind, limit: usize, found: usize) -> Option<String> {
        let say = match what {
            TextKind::Name => Self::name_too_long,
            TextKind::RoomName => Self::room_name_too_long,
            TextKind::Message => Self::message_too_long,
            TextKind::Other => return None,
        };
        (found > limit).then(|| say(self, &limit.to_string(), &found.to_string()))
    }
}

impl Texts {
    /// The sentence for the reader: what happened, and what to do about it.
    pub fn problem(&self, problem: &Problem) -> String {
        self.by_reason(problem).or_else(|| self.by_code(problem)).unwrap_or_else(|| problem.detail.clone())
    }

    fn by_reason(&self, problem: &Problem) -> Option<String> {
        let texts = &self.problems;
        Some(match problem.reason? {
            Reason::Empty { what } => match what {
                TextKind::Name => texts.name_empty().to_owned(),
                TextKind::RoomName => texts.room_name_empty().to_owned(),
                TextKind::Message => texts.message_empty().to_owned(),
                TextKind::Other => return None,
            },
            Reason::TooLong { what, limit, found } => return texts.too_long(what, limit, found),
            Reason::CodeLength { found } => texts.code_length(&found.to_string()),
            Reason::CodeCharacter { character } => texts.code_character(&display_char(character)),
            Reason::TooManyRooms { limit } => texts.too_many_rooms(&limit.to_string()),
            Reason::TooManyForEveryone { limit } => texts.too_many_for_everyone(&limit.to_string()),
            Reason::MemberGone => texts.member_gone().to_owned(),
            Reason::Unreachable => texts.unreachable().to_owned(),
            Reason::KeptTooMuch => {
                let minutes = problem.retry_after_ms?.div_ceil(60_000).max(1);
                texts.kept_too_much(usize::try_from(minutes).ok()?)
            }
            Reason::DiskLow if problem.field.is_some() => texts.disk_low_for_room().to_owned(),
            Reason::DiskLow => texts.disk_low().to_owned(),
            Reason::NoEmail => texts.invalid_email().to_owned(),
            Reason::OtherAddress => texts.other_address().to_owned(),
            Reason::OtherPassword => texts.other_password().to_owned(),
            Reason::Other => return None,
        })
    }

    fn by_code(&self, problem: &Problem) -> Option<String> {
        let texts = &self.problems;
        let text = match problem.code {
            Code::AlreadyInRoom => return Some(texts.already_in_room(&problem.room?.spaced())),
            Code::TooManyRequests => {
                let seconds = problem.retry_after_ms?.div_ceil(1_000).max(1);
                return Some(texts.too_many_requests(usize::try_from(seconds).ok()?));
            }
            Code::Malformed => texts.malformed(),
            Code::NoSession => texts.no_session(),
            Code::NotOwner => texts.not_owner(),
            Code::NotAMember => texts.not_a_member(),
            Code::NotAuthor => texts.not_author(),
            Code::TooLate => texts.too_late(),
            Code::EditedMeanwhile => texts.edited_meanwhile(),
            Code::KeptElsewhere => texts.kept_elsewhere(),
            Code::TooManyReactions => texts.too_many_reactions(),
            Code::MessageGone => texts.message_gone(),
            Code::Removed => texts.removed(),
            Code::ForeignOrigin => texts.foreign_origin(),
            Code::RoomUnavailable => texts.room_unavailable(),
            Code::Internal => texts.internal(),
            Code::StoreUnavailable => texts.store_unavailable(),
            Code::BusUnavailable => texts.bus_unavailable(),
            Code::Overloaded => texts.overloaded(),
            Code::TokenInvalid => texts.token_invalid(),
            Code::NotLoggedIn => texts.not_logged_in(),
            // No text by code. For some of these only the reason or the server's sentence says what is wrong. The
            // others are errors of a program, which the reader cannot cause.
            Code::InvalidInput
            | Code::WeakPassword
            | Code::WrongCredentials
            | Code::NotConfirmed
            | Code::NotFound
            | Code::MethodNotAllowed
            | Code::IdReused
            | Code::TooLarge
            | Code::UnsupportedMediaType
            | Code::Other => return None,
        };
        Some(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::{Language, Nickname, RoomCode};

    use super::{super::of, *};

    fn problems() -> Vec<Problem> {
        let room: RoomCode = "K7M2QX".parse().unwrap();
        vec![
            Problem::room_unavailable(),
            Problem::already_in_room(room),
            Problem::too_many_requests(1),
            Problem::too_many_requests(2_001),
            Problem::kept_too_much(1),
            Problem::kept_too_much(300_000),
            Problem::unreachable(),
            "K7M2".parse::<RoomCode>().unwrap_err().into(),
            "K7M2QU".parse::<RoomCode>().unwrap_err().into(),
            ("nickname", Nickname::try_from("x".repeat(33)).unwrap_err()).into(),
            ("nickname", Nickname::try_from(" ").unwrap_err()).into(),
        ]
    }

    #[test]
    fn in_english_the_page_says_what_the_server_says() {
        for problem in problems() {
            // On a page a number and its unit stay in one line.
            assert_eq!(of(Language::English).problem(&problem).replace('\u{a0}', " "), problem.detail);
        }
    }

    #[test]
    fn in_german_no_sentence_is_the_servers() {
        for problem in problems() {
            assert_ne!(of(Language::German).problem(&problem), problem.detail);
        }
        let too_long = ("nickname", Nickname::try_from("x".repeat(33)).unwrap_err()).into();
        assert!(of(Language::German).problem(&too_long).contains("höchstens 32 Zeichen"));
    }

    #[test]
    fn what_the_page_has_no_words_for_is_said_in_the_servers() {
        let problem = Problem::invalid("limit", "A page has 1 to 50 events.");
        assert_eq!(of(Language::German).problem(&problem), problem.detail);
    }
}
