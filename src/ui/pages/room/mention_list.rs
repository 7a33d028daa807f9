//! The list of names that opens above the composer while somebody types `@`.
//!
//! The focus stays in the text area, which is a combobox meanwhile: arrows choose, Enter and Tab take, Escape closes.
//! What is suggested is in `ui/suggestions.rs`. The list also remembers whom the person has chosen, because a text
//! alone does not say which of two Adas it means.

use leptos::{ev::KeyboardEvent, html, prelude::*};

use crate::{
    protocol::{MemberId, Mentions, Role, RoomCode, RoomType, You, limits::EVERYONE_MEMBERS},
    ui::{
        browser,
        components::Portrait,
        dynamic::dynamic,
        effect::effect,
        face::Face,
        live::{MemberLine, TabEntry, load_entry, store_entry, use_room},
        suggestions::{Suggestion, suggestions, typed_name},
        texts::use_texts,
    },
};

/// The id of the list. Those of its options begin with it.
const LIST: &str = "mentions";

/// The names that are suggested, and those that were chosen.
#[derive(Clone, Copy)]
pub struct MentionList {
    code: RoomCode,
    room_type: RoomType,
    you: RwSignal<You>,
    members: RwSignal<Vec<MemberLine>>,
    area: NodeRef<html::Textarea>,
    /// How the page calls everyone in the room.
    everyone: &'static str,
    /// What is suggested. Nothing closes the list.
    found: RwSignal<Vec<Suggestion>>,
    /// The index of the suggestion that Enter takes.
    active: RwSignal<usize>,
    /// The place of the `@` at which the person has closed the list.
    closed_at: StoredValue<Option<usize>>,
    /// Whom the person has chosen in the text, and in texts before.
    chosen: StoredValue<Mentions>,
}

impl MentionList {
    /// The list of the room's composer.
    pub fn of(area: NodeRef<html::Textarea>) -> Self {
        let room = use_room();
        Self {
            code: room.code,
            room_type: room.room_type,
            you: room.you,
            members: room.members,
            area,
            everyone: use_texts().composer.everyone(),
            found: RwSignal::new(Vec::new()),
            active: RwSignal::new(0),
            closed_at: StoredValue::new(None),
            chosen: StoredValue::new(Mentions::default()),
        }
    }

    /// Whom the person has chosen.
    pub fn chosen(self) -> Mentions {
        self.chosen.get_value()
    }

    /// Adds those whom a text mentions that comes into the composer.
    pub fn add(self, mentions: Mentions) {
        self.chosen.update_value(|chosen| chosen.merge(mentions));
        self.store();
    }

    /// Forgets whom this text does not mention.
    pub fn keep_those_in(self, text: &str) {
        self.chosen.update_value(|chosen| *chosen = std::mem::take(chosen).split_by(text).0);
        self.store();
    }

    /// Restores whom the draft from before a reload mentions.
    pub fn restore(self) {
        let stored = load_entry(TabEntry::Mentions, self.code, self.owner());
        if let Some(mentions) = stored.and_then(|stored| serde_json::from_str(&stored).ok()) {
            self.add(mentions);
        }
    }

    fn store(self) {
        let stored = self.chosen.with_value(|chosen| {
            if chosen.is_empty() { String::new() } else { serde_json::to_string(chosen).unwrap_or_default() }
        });
        store_entry(TabEntry::Mentions, self.code, self.owner(), &stored);
    }

    fn owner(self) -> MemberId {
        self.you.with_untracked(|you| you.member_id)
    }

    /// Suggests what fits the name at the caret.
    pub fn look(self) {
        let Some(area) = self.area.get_untracked() else { return };
        let text = area.value();
        let typed = browser::caret(&area).and_then(|caret| typed_name(&text, caret));
        if self.closed_at.get_value() != typed.map(|(at, _)| at) {
            self.closed_at.set_value(None);
        }
        let typed = typed.filter(|_| self.closed_at.get_value().is_none());
        let found = typed.map(|(_, typed)| self.suggest(typed)).unwrap_or_default();
        if self.found.with_untracked(|known| *known != found) {
            self.active.set(0);
            self.found.set(found);
        }
    }

    fn suggest(self, typed: &str) -> Vec<Suggestion> {
        let is_owner = self.you.with_untracked(|you| you.role == Role::Owner);
        self.members.with_untracked(|members| {
            let may_call = self.room_type == RoomType::Group && (is_owner || members.len() <= EVERYONE_MEMBERS);
            suggestions(members, may_call.then_some(self.everyone), typed)
        })
    }

    /// Handles a key while the list is open. Returns whether it did.
    pub fn press(self, event: &KeyboardEvent) -> bool {
        let count = self.found.with_untracked(Vec::len);
        if count == 0 || event.shift_key() || event.ctrl_key() || event.meta_key() {
            return false;
        }
        match event.key().as_str() {
            "ArrowDown" => self.active.update(|active| *active = (*active + 1) % count),
            "ArrowUp" => self.active.update(|active| *active = (*active + count - 1) % count),
            "Enter" | "Tab" => self.take(self.active.get_untracked()),
            "Escape" => {
                let typed = self
                    .area
                    .get_untracked()
                    .and_then(|area| Some(typed_name(&area.value(), browser::caret(&area)?)?.0));
                self.closed_at.set_value(typed);
                self.close();
            }
            "ArrowLeft" | "ArrowRight" | "Home" | "End" => {
                self.close();
                return false;
            }
            _ => return false,
        }
        true
    }

    /// Closes the list. The text area loses the focus also when it is removed, after the list.
    pub fn close(self) {
        if self.found.try_with_untracked(Vec::is_empty) == Some(false) {
            self.found.set(Vec::new());
        }
    }

    /// Puts a suggestion into the text, in place of what was typed of it.
    fn take(self, index: usize) {
        let Some(area) = self.area.get_untracked() else { return };
        let Some(suggestion) = self.found.with_untracked(|found| found.get(index).cloned()) else { return };
        let text = area.value();
        let Some((at, typed)) = browser::caret(&area).and_then(|caret| typed_name(&text, caret)) else { return };
        let name = format!("@{} ", suggestion.name());
        let mut mentions = Mentions::default();
        suggestion.add_to(&mut mentions);
        self.add(mentions);
        self.close();
        browser::replace_text(&area, at..at + 1 + typed.len(), &name);
    }
}

/// The list.
#[component]
pub fn Suggestions(list: MentionList) -> impl IntoView {
    let texts = use_texts();
    effect(move || {
        let is_open = list.found.with(|found| !found.is_empty());
        let active = list.active.get();
        if let Some(area) = list.area.get() {
            let option = is_open.then(|| format!("{LIST}-{active}"));
            browser::set_combobox(&area, LIST, option.as_deref());
        }
    });
    let option = move |(index, suggestion): (usize, Suggestion)| {
        let is_active = if index == list.active.get() { "true" } else { "false" };
        let (face, note) = match &suggestion {
            Suggestion::Member(person) => {
                let face = Face::of_member(person.id, person.name.as_str());
                (view! { <Portrait face class="portrait--small"/> }.into_any(), None)
            }
            Suggestion::Everyone => (().into_any(), Some(list.everyone)),
        };
        view! {
            <li
                id=format!("{LIST}-{index}")
                class="suggestion"
                role="option"
                aria-selected=is_active
                // The focus stays in the text area.
                on:pointerdown=|event| event.prevent_default()
                on:click=move |_| list.take(index)
            >
                {face}
                <bdi>{suggestion.name().to_owned()}</bdi>
                " "
                {note.map(|note| view! { <span class="suggestion__note">{note}</span> }.into_any())}
            </li>
        }
        .into_any()
    };
    dynamic(move || {
        let found = list.found.get();
        (!found.is_empty()).then(|| {
            let options = found.into_iter().enumerate().map(option).collect_view();
            let label = texts.composer.suggestions();
            view! { <ul id=LIST class="suggestions" role="listbox" aria-label=label>{options}</ul> }.into_any()
        })
    })
}
