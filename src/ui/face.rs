//! The picture of a person or a room: initials over one of eight figures, in one of twelve hues.
//!
//! Everything is computed from an id, so that server and browsers show everybody the same picture and nothing is
//! stored. The server draws the ids of members so that the hues of a room are spread evenly. `style/portrait.css` draws
//! the classes; `components/portrait.rs` renders the element.

use crate::protocol::{Look, MemberId, RoomCode, RoomType};

use super::browser;

/// The look of a person or a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    /// The classes of shape, hue and figure, such as `hue-3 figure-5`.
    pub look: String,
    /// One letter, or two. `#` for a room without a name.
    pub initials: String,
}

impl Face {
    /// The look of a member. Every room has its own, since a person has another id in every room.
    pub fn of_member(id: MemberId, name: &str) -> Self {
        Self { look: look(id.get()), initials: initials(name) }
    }

    /// The look of a group, which has corners, or of a room for two where nobody else is. A room without a name shows
    /// the sign of a code.
    pub fn of_room(code: RoomCode, room_type: RoomType, name: Option<&str>) -> Self {
        let shape = if room_type == RoomType::Group { "portrait--group " } else { "portrait--waiting " };
        let number = code.as_str().bytes().fold(0, |number, byte| (number << 8) | u64::from(byte));
        let initials = name.map_or_else(|| "#".to_owned(), initials);
        Self { look: shape.to_owned() + &look(number), initials }
    }
}

/// The classes for a number.
fn look(number: u64) -> String {
    let Look { hue, figure } = Look::of(number);
    format!("hue-{hue} figure-{figure}")
}

/// The first letter of a name, with the first letter or digit of its last word. So "Bob" and "Bob (2)" differ.
fn initials(name: &str) -> String {
    let mut initials = browser::first_letter(name.trim_start());
    let last = name
        .trim_start()
        .rsplit_once(char::is_whitespace)
        .and_then(|(_, last)| last.chars().find(|c| c.is_alphanumeric()));
    initials.extend(last);
    initials
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_look_never_changes() {
        for (id, expected) in [
            (0, "hue-0 figure-0"),
            (1, "hue-1 figure-3"),
            (2, "hue-10 figure-0"),
            (1_618_033_988, "hue-2 figure-3"),
            ((1 << 53) - 1, "hue-3 figure-0"),
        ] {
            assert_eq!(Face::of_member(MemberId::from_bits(id), "Ada").look, expected, "{id}");
        }
        let room = |name| Face::of_room("K7M2QX".parse().unwrap(), RoomType::P2p, name);
        assert_eq!(room(None), Face { look: "portrait--waiting hue-10 figure-1".to_owned(), initials: "#".to_owned() });
        assert_eq!(room(Some("Chess club")), Face { initials: "Cc".to_owned(), ..room(None) });
    }

    #[test]
    fn looks_are_spread_evenly_also_over_ids_in_a_row() {
        for step in [1, 2, 12, 96, 1 << 20, 1 << 46] {
            let mut counts = BTreeMap::<_, usize>::new();
            for n in 0..9_600 {
                *counts.entry(look(n * step)).or_default() += 1;
            }
            assert_eq!(counts.len(), 96, "every hue comes with every figure");
            assert!(counts.values().all(|count| (50..150).contains(count)), "{step}: {counts:?}");
        }
    }

    #[test]
    fn neighbours_rarely_share_a_hue() {
        let hue = |n| look(n).split_once(' ').unwrap().0.to_owned();
        let shared = (0..12_000).filter(|n| hue(*n) == hue(n + 1)).count();
        assert!(shared < 1_100, "{shared} of 12000");
        let hues: BTreeSet<_> = (0..1_000).map(hue).collect();
        assert_eq!(hues.len(), 12);
    }

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Ada", "A"),
            ("Quiet Otter", "QO"),
            ("Bob (2)", "B2"),
            ("Ada King of Lovelace", "AL"),
            ("Ärger Öl", "ÄÖ"),
            ("👩‍👩‍👧 Family", "👩‍👩‍👧F"),
            ("Eve !", "E"),
            ("דנה", "ד"),
            ("", ""),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
