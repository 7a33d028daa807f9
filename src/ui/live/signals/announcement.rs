//! The text that screen readers read aloud when something happens on the page.

use leptos::prelude::*;

use crate::ui::long_lived::LongLived;

/// The newest announcement. The page has two live regions, and announcements alternate between them: a region whose
/// text does not change is not read aloud, and the same text may be announced twice in a row. `true` stands for the
/// second region.
#[derive(Clone, Copy)]
pub struct Announcement(LongLived<RwSignal<(bool, String)>>);

impl Announcement {
    /// Starts with two empty regions.
    pub fn new() -> Self {
        Self(LongLived::new((false, String::new())))
    }

    /// Announces a text, in the region that does not hold the last one.
    pub fn say(self, text: String) {
        self.0.update(|(second, said)| {
            *second = !*second;
            *said = text;
        });
    }

    /// The text of one of the two regions.
    pub fn in_place(self, second: bool) -> String {
        self.0.with(|(turn, said)| if *turn == second { said.clone() } else { String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_again_stands_in_the_other_place() {
        Owner::new().with(|| {
            let announcement = Announcement::new();
            let places = || [false, true].map(|second| announcement.in_place(second));
            announcement.say("Bob: ok".to_owned());
            let first = places();
            announcement.say("Bob: ok".to_owned());
            let second = places();
            assert_ne!(first, second);
            for places in [first, second] {
                assert_eq!(places.concat(), "Bob: ok");
            }
        });
    }
}
