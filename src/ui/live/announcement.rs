//! What is said to people who listen to the page.

use leptos::prelude::*;

/// The newest announcement. It is shown in two places in turn: a place whose text does not change says nothing, and somebody
/// may well say the same twice.
#[derive(Clone, Copy)]
pub struct Announcement(RwSignal<(bool, String)>);

impl Announcement {
    /// Nothing was said yet.
    pub fn new() -> Self {
        Self(RwSignal::new((false, String::new())))
    }

    /// Says something, in the other place than before.
    pub fn say(self, text: String) {
        self.0.update(|(second, said)| {
            *second = !*second;
            *said = text;
        });
    }

    /// What stands in one of the two places.
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
