//! In a room for two, the place of an absent guest is reserved for a while. This notice shows that to the other member,
//! who can free the place for somebody else.

use leptos::prelude::*;

use crate::{
    api::FreePlace,
    protocol::RoomType,
    ui::{
        components::When,
        dynamic::dynamic,
        effect::effect,
        form::{Form, FormRequest},
        live::use_room,
        texts::use_texts,
    },
};

/// Shows whose place is reserved, with a button that frees it.
#[component]
pub fn KeptPlace() -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().place;
    let free = FormRequest::to::<FreePlace>();
    // The log does not record reserved places. When the reader becomes alone, the page asks the server whether one is
    // reserved.
    let before = StoredValue::new(room.members.with_untracked(Vec::len));
    effect(move || {
        let members = room.members.with(Vec::len);
        let was_alone = before.try_update_value(|before| std::mem::replace(before, members) < 2) == Some(true);
        if room.room_type == RoomType::P2p && members < 2 && !was_alone {
            room.look_who_is_expected();
        } else if members >= 2 {
            room.expected.set(None);
        }
    });
    effect(move || {
        if free.is_done() {
            room.expected.set(None);
        }
    });
    let kept = move || room.expected.with(|person| person.as_ref().map(|person| texts.kept(person.name.as_str())));

    view! {
        <div role="status">
            <When holds=move || room.expected.with(Option::is_some) && room.ending.with(Option::is_none)>
                <div class="ended ended--place">
                    <p class="ended__text">{dynamic(kept)}</p>
                    <Form request=free>
                        <input type="hidden" name="code" value=room.code.to_string()/>
                        <p class="form-problem" role="status">{dynamic(move || free.detail())}</p>
                        <button type="submit" class="button" aria-describedby="place-text" disabled=move || free.pending.get()>{texts.give_up()}</button>
                        <p id="place-text" class="dialog__note">{texts.consequence()}</p>
                    </Form>
                </div>
            </When>
        </div>
    }
}
