//! What a room shows to people who have its link and have not joined.
//!
//! The page asks after hydration, by a POST that counts as a try to join. The box has its height before the answer is
//! there, and without scripts it is not shown. The form beside it does not wait for it, but is replaced if the answer
//! is that the room cannot be joined.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{Peek, PeekRoom, PeekedRoom, Problem, Retention, RoomCode, RoomName, RoomType},
    ui::{
        browser,
        components::Portrait,
        dynamic::dynamic,
        effect::effect,
        face::Face,
        pages::join_form::Refusal,
        texts::{Texts, use_texts},
    },
};

/// The room's picture and name, how many people are in it, and whether it keeps messages.
#[component]
pub fn PeekBox(
    code: RoomCode,
    /// Gets the answer that the room cannot be joined.
    refusal: RwSignal<Option<Refusal>>,
) -> impl IntoView {
    let texts = use_texts();
    let answer = RwSignal::new(None::<Result<Peek, Problem>>);
    effect(move || {
        spawn_local(async move {
            let found = ask(code).await;
            match found.as_ref().err().and_then(|problem| Refusal::of(problem, false)) {
                Some(refused) => _ = refusal.try_set(Some(refused)),
                None => _ = answer.try_set(Some(found)),
            }
        });
    });
    let content = move || match answer.get() {
        None => ().into_any(),
        Some(Ok(Peek { room: Some(room) })) => {
            let facts = facts(texts, &room);
            let face = Face::of_room(code, room.room_type, room.name.as_ref().map(RoomName::as_str));
            view! {
                <Portrait face/>
                {room.name.map(|name| view! { <p class="peek__name"><bdi>{name.to_string()}</bdi></p> }.into_any())}
                <p class="peek__facts">{facts}</p>
            }
            .into_any()
        }
        Some(Ok(Peek { room: None })) => view! { <p class="peek__facts">{texts.door.hidden()}</p> }.into_any(),
        Some(Err(_)) => view! { <p class="peek__facts">{texts.door.unseen()}</p> }.into_any(),
    };
    view! {
        <div class="peek" class:peek--waiting=move || answer.with(Option::is_none) role="status">
            {dynamic(content)}
        </div>
    }
}

async fn ask(code: RoomCode) -> Result<Peek, Problem> {
    let asked = serde_json::to_string(&PeekRoom { code: code.to_string() }).expect("a request is plain data");
    browser::send("POST", "/api/rooms/peek", &asked).await.ok_or_else(Problem::unreachable)?.read()
}

/// "One-to-one · 1 person · Messages are saved"
fn facts(texts: &Texts, room: &PeekedRoom) -> String {
    let own = &texts.door;
    let people = own.people(usize::try_from(room.members).unwrap_or(usize::MAX));
    let saved = if room.retention == Retention::Preserved { own.saved() } else { own.not_saved() };
    match room.room_type {
        RoomType::P2p => format!("{} · {people} · {saved}", texts.new_room.one_to_one()),
        RoomType::Group => format!("{people} · {saved}"),
    }
}
