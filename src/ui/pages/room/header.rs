//! The header of a room: its name, code, number of members and retention, and the buttons for its dialogs.

use leptos::prelude::*;

use crate::{
    api::LeaveRoom,
    protocol::{Retention, Role, addresses},
    ui::{
        components::{CopyButton, Icon, Shape, When},
        dynamic::dynamic,
        form::{Form, FormRequest},
        live::{use_list, use_room},
        texts::use_texts,
    },
};

use super::{super::dashboard::BackToList, dialogs::Dialogs};

#[component]
pub fn Header(dialogs: Dialogs) -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let own = &texts.header;
    let code = room.code;
    let title = move || room.name.get().map_or_else(|| texts.common.room(&code.spaced()), |name| name.to_string());
    let is_here = move || room.ending.with(Option::is_none);
    let list = use_list();
    let has_settings = move || list.is_some() || room.you.with(|you| you.role == Role::Owner);
    let count = move || own.members(room.members.with(Vec::len));
    let keeps = move || room.retention.get() == Retention::Preserved;
    // Without scripts the button leaves the room at once. With scripts it opens a dialog that asks first.
    let leave = FormRequest::to::<LeaveRoom>();

    view! {
        <header class="room-header">
            <div class="room-header__row">
                {match list {
                    Some(list) => view! { <BackToList list/> }.into_any(),
                    None => view! { <a href=addresses::HOME class="room-header__home" aria-label=own.home()>"A"</a> }.into_any(),
                }}
                <h1 class="room-header__title" dir="auto">{dynamic(title)}</h1>
                <div class="room-header__actions">
                    <When holds=move || is_here() && !room.is_full()>
                        <button
                            type="button"
                            class="icon-button"
                            aria-label=own.invite()
                            on:click=move |_| dialogs.invite.set(true)
                        >
                            <Icon shape=Shape::Invite/>
                        </button>
                    </When>
                    <When holds=move || is_here() && has_settings()>
                        <button type="button" class="icon-button" aria-label=own.settings() on:click=move |_| dialogs.settings.set(true)>
                            <Icon shape=Shape::Settings/>
                        </button>
                    </When>
                    <When holds=is_here>
                        <Form request=leave>
                            <input type="hidden" name="code" value=code.to_string()/>
                            <button
                                type="submit"
                                class="icon-button"
                                // Held back until there is the dialog (start.js).
                                data-asks="yes"
                                aria-label=own.exit()
                                on:click=move |event| {
                                    event.prevent_default();
                                    dialogs.exit.set(true);
                                }
                            >
                                <Icon shape=Shape::Exit/>
                            </button>
                        </Form>
                    </When>
                </div>
            </div>
            <div class="room-header__facts">
                <CopyButton
                    text=move |()| code.to_string()
                    label=own.copy_code()
                    shape=Shape::Copy
                    class="chip chip--code"
                    shown=code.spaced()
                    quiet=Signal::derive(move || dialogs.any_open())
                />
                <button type="button" class="chip room-header__members" on:click=move |_| dialogs.members.set(true)>
                    <Icon shape=Shape::Members/>
                    <span class="room-header__count" aria-hidden="true">{dynamic(move || room.members.with(Vec::len).to_string())}</span>
                    <span class="room-header__words">{dynamic(count)}</span>
                </button>
                <p class="chip chip--still" class:chip--kept=keeps>
                    <When holds=keeps otherwise=|| view! { <Icon shape=Shape::NotKept/> }>
                        <Icon shape=Shape::Kept/>
                    </When>
                    <span>{dynamic(move || if keeps() { own.keeps_history() } else { own.keeps_nothing() })}</span>
                </p>
            </div>
        </header>
    }
}
