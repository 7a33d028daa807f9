//! The header of a room: its picture and title over a line of facts, a button to invite, and a menu for the rest. A tap
//! on the title opens the dialog about the room.

use leptos::{ev::MouseEvent, prelude::*};

use crate::{
    api::LeaveRoom,
    protocol::{Retention, Role, RoomType, addresses},
    ui::{
        browser,
        components::{Icon, Lazy, Portrait, Shape, When},
        dynamic::dynamic,
        effect::effect,
        form::{Form, FormRequest},
        live::{use_list, use_room},
        texts::use_texts,
    },
};

use super::{super::dashboard::BackToList, dialogs::Dialogs, invite, members::PANEL};

/// The id of the menu, by which its button opens it.
const MENU: &str = "room-menu";

#[component]
pub fn Header(dialogs: Dialogs) -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let own = &texts.header;
    let is_folded = RwSignal::new(false);
    effect(move || is_folded.set(browser::is_folded()));
    let invitation = invite::heading(&room, &texts.invite);
    let can_invite = Memo::new(move |_| room.ending.with(Option::is_none) && !room.is_full());
    let invite = move |_| dialogs.invite.set(true);
    // The menu of a document also opens without scripts.
    let menu = RwSignal::new(!room.is_step);

    view! {
        <header class="room-header">
            {match use_list() {
                Some(list) => view! { <BackToList list/> }.into_any(),
                None => view! { <a href=addresses::HOME class="room-header__home" aria-label=own.home()></a> }.into_any(),
            }}
            <div class="room-header__about">
                <RoomPortrait/>
                <div class="room-header__words">
                    <h1 class="room-header__title">
                        <button
                            type="button"
                            class="room-header__open"
                            dir="auto"
                            aria-haspopup="dialog"
                            on:click=move |_| dialogs.info.set(true)
                        >
                            <RoomTitle/>
                        </button>
                    </h1>
                    <Facts/>
                </div>
            </div>
            <button
                type="button"
                class="icon-button room-header__fold"
                aria-label=texts.members.heading()
                aria-controls=PANEL
                aria-expanded=move || if is_folded.get() { "false" } else { "true" }
                on:click=move |_| is_folded.set(browser::toggle_folded())
            >
                <Icon shape=Shape::Members/>
            </button>
            <button type="button" class="icon-button room-header__search" aria-label=texts.search.heading() on:click=move |_| dialogs.search.set(true)>
                <Icon shape=Shape::Search/>
            </button>
            <When holds=can_invite>
                <button type="button" class="icon-button room-header__invite" aria-label=invitation on:click=invite>
                    <Icon shape=Shape::Invite/>
                </button>
            </When>
            <button type="button" class="icon-button" popovertarget=MENU aria-label=own.more() on:click=move |_| menu.set(true)><Icon shape=Shape::More/></button>
            <div id=MENU class="menu room-menu" popover="auto">
                <Lazy wanted=menu>
                    <p class="menu__text code">{room.code.spaced()}</p>
                    <When holds=can_invite>
                        <div class="room-menu__invite">
                            <Item shape=Shape::Invite label=invitation opens=dialogs.invite/>
                        </div>
                    </When>
                    <Item shape=Shape::Info label=own.info() opens=dialogs.info/>
                    <Actions dialogs/>
                </Lazy>
            </div>
        </header>
    }
}

/// What can be done with a room, in the menu and in the dialog about the room. Leaving is the last.
#[component]
pub fn Actions(dialogs: Dialogs) -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let is_here = Memo::new(move |_| room.ending.with(Option::is_none));
    let is_owner = move || room.you.with(|you| you.role == Role::Owner);
    // Without scripts the button leaves the room at once. With scripts it opens a dialog that asks first.
    let leave = FormRequest::to::<LeaveRoom>();
    let ask = move |event: MouseEvent| {
        event.prevent_default();
        browser::close_layer(&event);
        dialogs.exit.set(true);
    };

    view! {
        <Item shape=Shape::Search label=texts.search.heading() opens=dialogs.search/>
        <Item shape=Shape::Members label=texts.members.heading() opens=dialogs.members/>
        <When holds=move || is_here.get() && is_owner()>
            <Item shape=Shape::Settings label=texts.header.settings() opens=dialogs.settings/>
        </When>
        <When holds=is_here>
            <Form request=leave>
                <input type="hidden" name="code" value=room.code.to_string()/>
                // Held back until there is the dialog (start.js).
                <button type="submit" class="menu__item menu__item--danger" data-asks="yes" on:click=ask>
                    <Icon shape=Shape::Exit/>
                    <span>{texts.header.exit()}</span>
                </button>
            </Form>
        </When>
    }
}

/// An item that closes the menu or the dialog that it is in, and opens a dialog.
#[component]
fn Item(shape: Shape, label: &'static str, opens: RwSignal<bool>) -> impl IntoView {
    let choose = move |event: MouseEvent| {
        browser::close_layer(&event);
        opens.set(true);
    };
    view! {
        <button type="button" class="menu__item" on:click=choose>
            <Icon shape/>
            <span>{label}</span>
        </button>
    }
    .into_any()
}

/// The picture of the room, or of the other person in a room for two.
#[component]
pub fn RoomPortrait(#[prop(default = "")] class: &'static str) -> impl IntoView {
    let room = use_room();
    let face = Memo::new(move |_| room.with_heading(|heading| heading.face()));
    let connected = Memo::new(move |_| room.companion().is_some_and(|(_, connected)| connected));
    dynamic(move || view! { <Portrait face=face.get() class connected=connected.get()/> })
}

/// The title of the room. While its timeline shows the invitation, neither title nor facts repeat the code.
#[component]
pub fn RoomTitle() -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let is_untouched = Memo::new(move |_| room.is_untouched());
    dynamic(move || {
        if room.room_type == RoomType::Group && is_untouched.get() && room.name.with(Option::is_none) {
            return texts.rooms.new_room().to_owned();
        }
        room.with_heading(|heading| heading.title(texts))
    })
}

/// The line below the title: how many members there are, or whether the other person is there, and whether the room
/// keeps its messages.
#[component]
pub fn Facts() -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let own = &texts.header;
    let is_untouched = Memo::new(move |_| room.is_untouched());
    let people = move || match (room.companion(), room.room_type) {
        (Some((person, connected)), _) => {
            let there = if connected { own.online() } else { own.away() };
            // A room for two that has a name is not titled by the other person.
            if room.name.with(Option::is_some) { format!("{}, {there}", person.name) } else { there.to_owned() }
        }
        (None, RoomType::P2p) if is_untouched.get() => {
            if room.name.with(Option::is_some) {
                texts.rooms.waiting().to_owned()
            } else {
                String::new()
            }
        }
        (None, RoomType::P2p) => room.code.spaced(),
        (None, RoomType::Group) => own.members(room.members.with(Vec::len)),
    };
    let keeps = move || match room.retention.get() {
        Retention::Preserved => own.keeps_history(),
        Retention::Ephemeral => own.keeps_nothing(),
    };
    view! {
        <p class="facts">
            <span class="facts__fact">{dynamic(people)}</span>
            <span class="facts__fact">{dynamic(keeps)}</span>
        </p>
    }
}
