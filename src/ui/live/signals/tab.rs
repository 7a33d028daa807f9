//! What is stored of a room across a reload: the text in the composer with its mentions, and the messages that the
//! server does not have yet.
//!
//! Messages to a preserved room of an account are stored on the device (`browser::keep_outbox`), if it stores anything.
//! All else is in session storage.
//!
//! Session storage lives as long as the tab, and the next person in the tab may be somebody else. So every entry begins
//! with the member id of its author, and [`load_entry`] returns it to that member only. [`delete_entries`] is called
//! when the author leaves the room or the browser. `tab.js` deletes the entries as well, on every page, also on those
//! without wasm.

use leptos::task::spawn_local;

use crate::{
    protocol::{MemberId, RoomCode},
    ui::browser,
};

use super::super::model::ToStore;

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TabEntry {
    /// The text in the composer.
    Draft,
    /// Whom the person has chosen to mention in that text, as JSON.
    Mentions,
    /// The messages in the outbox, as JSON.
    Outbox,
}

impl TabEntry {
    /// The name of the entry in session storage. `tab.js` relies on its prefix.
    fn of(self, code: RoomCode) -> String {
        let what = match self {
            Self::Draft => "draft",
            Self::Mentions => "mentions",
            Self::Outbox => "outbox",
        };
        format!("anonchat.{what}.{code}")
    }
}

/// Stores a text of this member. An empty text removes the entry.
pub fn store_entry(what: TabEntry, code: RoomCode, owner: MemberId, text: &str) {
    let entry = if text.is_empty() { String::new() } else { entry(owner, text) };
    browser::store_text(&what.of(code), &entry);
}

/// Stores the outbox of a room, on the device or in the tab. A room that is over for its member leaves nothing in
/// either.
pub fn store_outbox(room: ToStore) {
    let ToStore { code, member, outbox, on_device, leaves_device } = room;
    if leaves_device {
        browser::forget_kept_room(code.as_str());
    }
    match outbox {
        Some(outbox) if on_device => spawn_local(async move {
            let is_kept = browser::keep_outbox(code.as_str(), number(member), &outbox).await;
            store_entry(TabEntry::Outbox, code, member, if is_kept { "" } else { &outbox });
        }),
        Some(outbox) => store_entry(TabEntry::Outbox, code, member, &outbox),
        None => delete_entries(code),
    }
}

/// Returns the outboxes that this member stored in the room, in the tab and on the device.
pub async fn stored_outboxes(code: RoomCode, member: MemberId) -> Vec<String> {
    let on_device = browser::kept_outbox(code.as_str(), number(member)).await;
    on_device.into_iter().chain(load_entry(TabEntry::Outbox, code, member)).collect()
}

/// A member id as a number of JavaScript.
#[expect(clippy::cast_precision_loss, reason = "member ids have 53 bits")]
fn number(member: MemberId) -> f64 {
    member.get() as f64
}

/// Returns what this member stored. An entry of another member is removed.
pub fn load_entry(what: TabEntry, code: RoomCode, owner: MemberId) -> Option<String> {
    let name = what.of(code);
    let entry = browser::stored_text(&name)?;
    let text = text_of(owner, &entry);
    if text.is_none() {
        browser::store_text(&name, "");
    }
    text.map(str::to_owned)
}

/// Removes all entries of a room, of any author.
pub fn delete_entries(code: RoomCode) {
    for what in [TabEntry::Draft, TabEntry::Mentions, TabEntry::Outbox] {
        browser::store_text(&what.of(code), "");
    }
}

fn entry(owner: MemberId, text: &str) -> String {
    format!("{owner}\n{text}")
}

/// The text of an entry, if this member wrote it. An entry of an earlier version has no owner, and is returned to
/// nobody.
fn text_of(owner: MemberId, entry: &str) -> Option<&str> {
    let (of, text) = entry.split_once('\n')?;
    (of == owner.to_string()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_given_to_its_author_only() {
        let (ada, bob) = (MemberId::from_bits(12), MemberId::from_bits(1));
        for text in ["half a thought", "two\nlines", "12\n", r#"[["id","text",null]]"#] {
            let stored = entry(ada, text);
            assert_eq!(text_of(ada, &stored), Some(text));
            assert_eq!(text_of(bob, &stored), None, "{text}");
        }
        assert_eq!(text_of(ada, "half a thought"), None, "nobody knows whose that is");
        assert_eq!(text_of(ada, ""), None);
    }
}
