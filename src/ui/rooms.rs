//! How a room is shown in the list and in notes, as pure functions: whether it matches a search, its title, its
//! preview, its badge. The live list itself is in `live`.

use crate::protocol::{
    MemberId, Nickname, RoomCode, RoomName, RoomSummary, RoomType, RoomView, Snapshot, is_invisible,
};

use super::{browser, face::Face, texts::Texts, timeline::isolate_name};

/// The highest number that a badge shows. A larger one is shown as "99+".
const COUNTED: u64 = 99;

/// The filter of the list by kind of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    All,
    Groups,
    ForTwo,
}

/// Whether a room matches the filter and the search. The search matches parts of the room's name, of its code, and of
/// the other member's name in a room for two. A whole code, link or invitation also matches its room.
pub fn matches_search(room: &RoomSummary, kind: Kind, typed: &str) -> bool {
    let of_kind = match kind {
        Kind::All => true,
        Kind::Groups => room.room_type == RoomType::Group,
        Kind::ForTwo => room.room_type == RoomType::P2p,
    };
    of_kind && (is_named_like(room, typed) || typed_code(typed) == Some(room.code))
}

/// Whether a name contains the search. Accents are compared only if the search contains accents.
pub fn is_like(name: &str, typed: &str) -> bool {
    contains(name, &comparable(typed))
}

/// The search as it is compared.
fn comparable(typed: &str) -> String {
    let typed: String = typed.trim().chars().filter(|c| !is_invisible(*c)).collect();
    browser::folded(&typed)
}

fn contains(name: &str, typed: &str) -> bool {
    let form = if browser::without_accents(typed) == typed { browser::without_accents } else { browser::folded };
    form(name).contains(typed)
}

/// Whether name, code or other member contain the search.
fn is_named_like(room: &RoomSummary, typed: &str) -> bool {
    let typed = comparable(typed);
    if typed.is_empty() {
        return true;
    }
    let code: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_part_of_code = !code.is_empty() && room.code.as_str().to_ascii_lowercase().contains(&code);
    let names = [room.name.as_ref().map(RoomName::as_str), room.other.as_ref().map(|other| other.name.as_str())];
    is_part_of_code || names.into_iter().flatten().any(|name| contains(name, &typed))
}

/// The room code in the search, if there is one.
pub fn typed_code(typed: &str) -> Option<RoomCode> {
    typed.parse().ok()
}

/// What a room is recognised by: title and picture. A room for two is shown as its other member.
#[derive(Clone, Copy)]
pub struct Heading<'a> {
    pub code: RoomCode,
    pub room_type: RoomType,
    pub name: Option<&'a str>,
    /// The name of the other member of a room for two, and their id if it is known.
    pub other: Option<(&'a str, Option<MemberId>)>,
}

impl<'a> Heading<'a> {
    /// The heading of a room in the list.
    pub fn of(room: &'a RoomSummary) -> Self {
        Self {
            code: room.code,
            room_type: room.room_type,
            name: room.name.as_ref().map(RoomName::as_str),
            other: room.other.as_ref().map(|other| (other.name.as_str(), other.id)),
        }
    }

    /// The heading of a room that a snapshot describes.
    pub fn of_snapshot(snapshot: &'a Snapshot) -> Self {
        let RoomView { code, room_type, name, .. } = &snapshot.room;
        let mut others = snapshot.members.iter().filter(|member| member.id != snapshot.you.member_id);
        let other = others.next().map(|member| (member.name.as_str(), Some(member.id)));
        let expected = snapshot.expected.as_ref().map(|person| (person.name.as_str(), Some(person.id)));
        Self {
            code: *code,
            room_type: *room_type,
            name: name.as_ref().map(RoomName::as_str),
            other: other.or(expected).filter(|_| *room_type == RoomType::P2p),
        }
    }

    /// The room's name, else the other member's name, else its code. A room for two where nobody else is says that.
    pub fn title(&self, texts: &Texts) -> String {
        match (self.name.or(self.other.map(|(name, _)| name)), self.room_type) {
            (Some(name), _) => name.to_owned(),
            (None, RoomType::P2p) => texts.rooms.waiting().to_owned(),
            (None, RoomType::Group) => texts.common.room(&self.code.spaced()),
        }
    }

    /// The title where nothing stands beside it: with the code, if the title says only that nobody else is there.
    pub fn full_title(&self, texts: &Texts) -> String {
        let title = self.title(texts);
        let is_waiting = self.room_type == RoomType::P2p && self.name.is_none() && self.other.is_none();
        if is_waiting { format!("{title} · {}", self.code.spaced()) } else { title }
    }

    /// The picture of the other member, or of the room.
    pub fn face(&self) -> Face {
        match self.other {
            Some((name, Some(id))) => Face::of_member(id, name),
            Some((name, None)) => Face::of_room(self.code, self.room_type, Some(name)),
            None => Face::of_room(self.code, self.room_type, self.name),
        }
    }
}

/// The newest message of a room, after its author where that could be several people. Before the first message of a
/// room for two it is the code, until somebody has joined with it. Names and the message are marked with
/// `isolate_name`, so that `components::sentence` renders them as elements.
pub fn preview(texts: &Texts, room: &RoomSummary) -> String {
    match &room.last {
        None if room.room_type == RoomType::P2p && room.other.is_none() => room.code.spaced(),
        None => texts.rooms.nothing_said().to_owned(),
        Some(last) if last.deleted => texts.timeline.deleted().to_owned(),
        Some(last) if last.mine => texts.rooms.said(texts.timeline.you(), &isolate_name(&last.text)),
        Some(last) if room.room_type == RoomType::Group => {
            texts.rooms.said(&isolate_name(last.author.as_str()), &isolate_name(&last.text))
        }
        Some(last) => isolate_name(&last.text),
    }
}

/// The text of a badge for this number of unread messages. `None` for 0.
pub fn badge(unread: u64) -> Option<String> {
    match unread {
        0 => None,
        1..=COUNTED => Some(unread.to_string()),
        _ => Some(format!("{COUNTED}+")),
    }
}

/// The text of a note about a room, below the room's title: how many messages came, or who joined last. Names in it are
/// marked.
pub fn note(texts: &Texts, room: &RoomSummary, messages: u64, joined: Option<&Nickname>) -> String {
    match (messages, joined) {
        (0, Some(name)) => texts.toasts.came(&isolate_name(name.as_str())),
        (1, _) if room.last.is_some() => preview(texts, room),
        (messages, _) => texts.timeline.unseen(usize::try_from(messages).unwrap_or(usize::MAX)),
    }
}

/// A note as one sentence for screen readers, with the room's title in it.
pub fn announcement(texts: &Texts, room: &RoomSummary, messages: u64, joined: Option<&Nickname>) -> String {
    let title = Heading::of(room).title(texts);
    match (messages, joined, &room.last) {
        (0, Some(name), _) => texts.toasts.joined(name.as_str(), &title),
        (1, _, Some(last)) if !last.deleted => texts.toasts.said(last.author.as_str(), &title, &last.text),
        (messages, ..) => texts.toasts.several(usize::try_from(messages).unwrap_or(usize::MAX), &title),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        protocol::{Companion, Language, Preview},
        ui::{
            live::room_of,
            texts::of,
            timeline::{Part, parts},
        },
    };

    use super::*;

    fn named(name: &str) -> RoomSummary {
        RoomSummary { name: RoomName::try_from(name).ok(), ..room_of("K7M2QX") }
    }

    fn with(name: &str) -> RoomSummary {
        let other = Companion { id: None, name: Nickname::try_from(name).unwrap(), connected: true };
        RoomSummary { room_type: RoomType::P2p, other: Some(other), ..room_of("K7M2QX") }
    }

    fn saying(room: RoomSummary, author: &str, mine: bool) -> RoomSummary {
        let last = Preview {
            seq: 5,
            author: Nickname::try_from(author).unwrap(),
            mine,
            text: "Hello".to_owned(),
            deleted: false,
        };
        RoomSummary { last: Some(last), ..room }
    }

    #[test]
    fn a_room_is_called_by_its_name_or_its_other_member_or_its_code() {
        let title = |room| Heading::of(&room).title(of(Language::English));
        assert_eq!(title(named("Chess")), "Chess");
        assert_eq!(title(with("Ada")), "Ada");
        assert_eq!(title(RoomSummary { name: RoomName::try_from("Us").ok(), ..with("Ada") }), "Us");
        assert_eq!(title(room_of("K7M2QX")), "Room K7M 2QX");
        let waiting = RoomSummary { other: None, ..with("Ada") };
        let texts = of(Language::English);
        assert_eq!(title(waiting.clone()), "Waiting for someone");
        assert_eq!(preview(texts, &waiting), "K7M 2QX");
        assert_eq!(Heading::of(&waiting).full_title(texts), "Waiting for someone · K7M 2QX");
        assert_eq!(Heading::of(&with("Ada")).full_title(texts), "Ada");
    }

    #[test]
    fn a_room_for_two_has_the_picture_of_the_other_member() {
        let (ada, bob) = (MemberId::from_bits(1), MemberId::from_bits(2));
        let face = |name, other| {
            let room = RoomSummary { name: RoomName::try_from(name).ok(), ..with("Ada") };
            let companion = Companion { id: other, ..room.other.clone().unwrap() };
            Heading::of(&RoomSummary { other: Some(companion), ..room }).face()
        };
        assert_eq!(face("", Some(ada)), Face::of_member(ada, "Ada"));
        assert_eq!(face("Us", Some(ada)), Face::of_member(ada, "Ada"));
        assert_ne!(face("", Some(ada)), face("", Some(bob)));
        assert_eq!(face("", None).initials, "A");
        assert!(Heading::of(&named("Chess club")).face().look.starts_with("portrait--group "));
        assert_eq!(Heading::of(&RoomSummary { other: None, ..with("Ada") }).face().initials, "#");
    }

    #[test]
    fn a_preview_says_who_spoke_where_that_is_not_clear() {
        let texts = of(Language::English);
        assert_eq!(preview(texts, &named("Chess")), "No messages");
        let pieces = |room| {
            let line = preview(texts, &room);
            let piece = |part: &Part<'_>| match *part {
                Part::Words(text) => text.to_owned(),
                Part::Name(text) => format!("<{text}>"),
            };
            parts(&line).iter().map(piece).collect::<String>()
        };
        assert_eq!(pieces(saying(named("Chess"), "Ada", false)), "<Ada>: <Hello>");
        assert_eq!(pieces(saying(named("Chess"), "Me", true)), "You: <Hello>");
        assert_eq!(pieces(saying(with("Ada"), "Ada", false)), "<Hello>");
        assert_eq!(pieces(saying(with("Ada"), "Me", true)), "You: <Hello>");
    }

    #[test]
    fn a_room_is_found_by_kind_and_by_part_of_its_name_or_code_or_other_member() {
        for (room, kind, typed, wanted) in [
            (named("Chess club"), Kind::All, "", true),
            (named("Chess club"), Kind::Groups, "  CLUB ", true),
            (named("Chess club"), Kind::ForTwo, "club", false),
            (named("Chess club"), Kind::All, "go", false),
            (named("Chess club"), Kind::All, "k7m-2", true),
            (named("Chess club"), Kind::All, "K7M 2QX", true),
            (with("Ädä"), Kind::ForTwo, "äd", true),
            (with("Zoë"), Kind::ForTwo, "zoe\u{308}", true),
            (with("Zoë"), Kind::ForTwo, "zoe", true),
            (with("Zoe"), Kind::ForTwo, "zoë", false),
            (named("Zoe\u{308} two"), Kind::Groups, "zoë", true),
            (named("Ｃｈｅｓｓ"), Kind::Groups, "chess", true),
            (named("Chess"), Kind::Groups, "\u{200B}Che\u{AD}ss", true),
            (named("İstanbul"), Kind::Groups, "istan", true),
            (named("Chess club"), Kind::All, "„K7M2QX“", true),
            (named("Chess club"), Kind::All, "\u{200B}K7M2QX", true),
            (named("Chess club"), Kind::All, "https://chat.example/rooms/K7M2QX", true),
            (named("Chess club"), Kind::All, "https://chat.example/rooms/K7M2QY", false),
            (with("Ada"), Kind::Groups, "", false),
            (room_of("K7M2QX"), Kind::All, "-", false),
        ] {
            assert_eq!(matches_search(&room, kind, typed), wanted, "{kind:?} {typed}");
        }
    }

    #[test]
    fn a_badge_counts_to_ninety_nine() {
        let badges = [0, 1, 99, 100].map(badge);
        assert_eq!(badges.map(Option::unwrap_or_default), ["", "1", "99", "99+"]);
    }
}
