//! One room in the list.

use leptos::prelude::*;

use crate::{
    protocol::{RoomCode, RoomSummary, RoomType, addresses},
    ui::{
        clock::use_clock,
        components::{Icon, Portrait, Shape, sentence},
        dynamic::dynamic,
        live::RoomEntry,
        long_lived::LongLived,
        rooms::{Heading, badge, preview},
        texts::{Texts, use_texts},
        timeline::rfc3339,
    },
};

/// A link to the room, with its name, members, newest message, time, and number of unread messages.
#[component]
pub fn RoomRow(
    entry: RoomEntry,
    /// The room that is open beside the list, if any.
    current: LongLived<RwSignal<Option<RoomCode>>>,
) -> impl IntoView {
    let texts = use_texts();
    let clock = use_clock();
    let RoomEntry { code, room } = entry;
    let is_current = move || current.get() == Some(code);
    // One effect for the whole row, because its parts change together.
    let content = move || {
        let room = room.get();
        let name = Heading::of(&room).title(texts);
        let unread = usize::try_from(room.unread).unwrap_or(usize::MAX);
        let badge = badge(room.unread).filter(|_| !is_current()).map(|count| {
            let class = if room.waiting() == 0 { "badge badge--quiet" } else { "badge" };
            view! {
                <span class=class aria-hidden="true">{count}</span>
                <span class="visually-hidden">{texts.rooms.unread(unread)}</span>
            }
            .into_any()
        });
        let is_called = room.mentioned && !room.muted && !is_current();
        let mention = is_called.then(|| {
            view! {
                <span class="badge" aria-hidden="true">"@"</span>
                <span class="visually-hidden">{texts.rooms.mentioned()}</span>
            }
            .into_any()
        });
        view! {
            <Portrait face=Heading::of(&room).face() connected=room.other.as_ref().is_some_and(|other| other.connected)/>
            <span class="room-row__name"><bdi>{name}</bdi> {people(texts, &room)}</span>
            <time class="room-row__time" datetime=rfc3339(room.at)>{clock.briefly(room.at)}</time>
            <span class="room-row__preview">{sentence(&preview(texts, &room))}</span>
            <span class="room-row__marks">
                {room.muted.then(|| {
                    view! { <Icon shape=Shape::Muted/> <span class="visually-hidden">{texts.rooms.muted()}</span> }.into_any()
                })}
                {mention}
                {badge}
            </span>
        }
    };
    view! {
        <li class="room-row">
            <a href=addresses::room(code) class="room-row__link" aria-current=move || is_current().then_some("page")>
                {dynamic(content)}
            </a>
        </li>
    }
}

/// In a room for two: whether the other member is connected. In a group: the number of members.
fn people(texts: &Texts, room: &RoomSummary) -> AnyView {
    match (&room.other, room.room_type) {
        (Some(other), _) => {
            let there = if other.connected { texts.members.connected() } else { texts.members.not_connected() };
            view! { <span class="visually-hidden">{there}</span> }.into_any()
        }
        (None, RoomType::P2p) => ().into_any(),
        (None, RoomType::Group) => {
            let members = usize::try_from(room.members).unwrap_or(usize::MAX);
            view! { <span class="visually-hidden">{texts.header.members(members)}</span> }.into_any()
        }
    }
}
