//! Lists whose items come, go and move.

use leptos::prelude::*;

use crate::{
    protocol::RoomCode,
    ui::{live::MemberLine, timeline::RowKey},
};

/// What an item is recognised by when its list changes. One type for all lists, so that `For` is compiled once.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ItemKey {
    /// A row of a timeline, and how often its message was rendered anew.
    Row(RowKey, u32),
    Room(RoomCode),
    Member(MemberLine),
}

struct Item {
    key: ItemKey,
    show: Box<dyn FnOnce() -> AnyView + Send>,
}

/// Shows each item, and keeps the elements of items whose key stays. It replaces Leptos' own `For`, which is compiled
/// once for each type of item and makes the wasm larger.
#[component]
pub fn List<T: Send + 'static, V: IntoView + 'static>(
    /// Returns the items.
    each: impl Fn() -> Vec<T> + Send + 'static,
    /// The key of an item, unique in this list.
    key: fn(&T) -> ItemKey,
    /// Shows an item. Called once for each new key.
    children: impl Fn(T) -> V + Clone + Send + 'static,
) -> impl IntoView {
    keyed(Box::new(move || {
        let item = |item: T| {
            let (key, children) = (key(&item), children.clone());
            Item { key, show: Box::new(move || children(item).into_any()) }
        };
        each().into_iter().map(item).collect()
    }))
}

fn keyed(each: Box<dyn Fn() -> Vec<Item> + Send>) -> AnyView {
    view! { <For each key=|item| item.key.clone() children=|item| (item.show)()/> }.into_any()
}
