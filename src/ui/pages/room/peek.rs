//! What a room shows to people who have its link and have not joined.
//!
//! The page asks after hydration, by a POST that counts as a try to join. The box has its height before the answer is
//! there, and without scripts it is not shown. The form beside it does not wait for it.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{Code, Peek, PeekRoom, PeekedRoom, Problem, Retention, RoomCode, RoomType},
    ui::{
        browser,
        dynamic::dynamic,
        effect::effect,
        texts::{Texts, use_texts},
    },
};

/// The room's name, how many people are in it, and whether it keeps messages. Or why one cannot join.
#[component]
pub fn PeekBox(code: RoomCode) -> impl IntoView {
    let texts = use_texts();
    let answer = RwSignal::new(None::<Result<Peek, Problem>>);
    effect(move || {
        spawn_local(async move {
            let _ = answer.try_set(Some(ask(code).await));
        });
    });
    let content = move || match answer.get() {
        None => ().into_any(),
        Some(Ok(Peek { room: Some(room) })) => {
            let facts = facts(texts, &room);
            view! {
                {room.name.map(|name| view! { <p class="peek__name"><bdi>{name.to_string()}</bdi></p> }.into_any())}
                <p class="peek__facts">{facts}</p>
            }
            .into_any()
        }
        Some(Ok(Peek { room: None })) => view! { <p class="peek__facts">{texts.door.hidden()}</p> }.into_any(),
        Some(Err(problem)) if is_about_joining(&problem) => {
            view! { <p class="form-problem">{texts.problem(&problem)}</p> }.into_any()
        }
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

/// Whether joining would be refused for the same reason. Otherwise only asking failed.
fn is_about_joining(problem: &Problem) -> bool {
    matches!(problem.code, Code::RoomUnavailable | Code::Removed | Code::InvalidInput)
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
