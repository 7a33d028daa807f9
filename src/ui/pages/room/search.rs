//! The dialog that searches the messages of a room, and leads to those that it finds.

use leptos::{
    ev::SubmitEvent,
    html,
    prelude::*,
    task::{spawn_local, tick},
};

use crate::{
    protocol::{Problem, Retention, Seq},
    ui::{
        clock::use_clock,
        components::Dialog,
        dynamic::dynamic,
        live::{FoundMessage, use_room},
        texts::use_texts,
        timeline::rfc3339,
    },
};

/// The dialog. A click on a found message closes it and shows the message in the timeline.
#[component]
pub fn SearchDialog(open: RwSignal<bool>) -> impl IntoView {
    let room = use_room();
    let all = use_texts();
    let own = &all.search;
    let clock = use_clock();
    let input = NodeRef::<html::Input>::new();
    let found = RwSignal::new(Vec::<FoundMessage>::new());
    // Where the search goes on. `None` if everything was searched.
    let next = RwSignal::new(None::<Seq>);
    let status = RwSignal::new(String::new());
    // The number of the last search. The answer to an earlier one is dropped.
    let last = StoredValue::new(0_u32);
    let say = move |problem: &Problem| {
        // The server refuses what has no word, or too many.
        let is_about_words = problem.field.as_deref() == Some("q");
        status.set(if is_about_words { own.words().to_owned() } else { all.problem(problem) });
    };
    let search = move |before: Option<Seq>| {
        let typed = input.get_untracked().map(|input| input.value()).unwrap_or_default();
        let Some(this) = last.try_update_value(|last| {
            *last += 1;
            *last
        }) else {
            return;
        };
        status.set(own.searching().to_owned());
        spawn_local(async move {
            let answer = room.search(&typed, before).await;
            if last.try_get_value() != Some(this) {
                return;
            }
            match answer {
                Ok((messages, more)) => {
                    found.update(|found| {
                        if before.is_none() {
                            found.clear();
                        }
                        found.extend(messages);
                    });
                    next.set(more);
                    let count = found.with_untracked(Vec::len);
                    status.set(match (count, more) {
                        (0, None) => own.nothing().to_owned(),
                        (count, None) => own.found(count),
                        (count, Some(_)) => own.found_so_far(count),
                    });
                }
                Err(problem) => say(&problem),
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        search(None);
    };
    let go_to = move |message: FoundMessage| {
        status.set(all.timeline.fetching().to_owned());
        spawn_local(async move {
            match room.bring(message.key, message.seq).await {
                Ok(true) => {
                    status.set(String::new());
                    open.set(false);
                    // The dialog gives the focus back when it closes.
                    tick().await;
                    room.target.set(Some(message.key));
                }
                Ok(false) => status.set(own.far().to_owned()),
                Err(problem) => say(&problem),
            }
        });
    };
    let hit = move |message: FoundMessage| {
        let part = |(text, is_marked): &(String, bool)| {
            if *is_marked { view! { <mark>{text.clone()}</mark> }.into_any() } else { text.clone().into_any() }
        };
        let text = message.text.iter().map(part).collect_view();
        let author = message.author.as_ref().map_or_else(|| all.timeline.you().to_owned(), ToString::to_string);
        let at = message.at;
        view! {
            <li>
                <button type="button" class="hit" on:click=move |_| go_to(message.clone())>
                    <span class="hit__author" dir="auto">{author}</span>
                    <time class="hit__time" datetime=rfc3339(at)>{clock.briefly(at)}</time>
                    <span class="hit__text" dir="auto">{text}</span>
                </button>
            </li>
        }
        .into_any()
    };
    let is_kept = move || room.retention.get() == Retention::Preserved;

    view! {
        <Dialog open id="search" heading=own.heading()>
            <form class="search" role="search" on:submit=submit>
                <input
                    class="field__input"
                    type="search"
                    aria-label=own.heading()
                    maxlength="100"
                    autocomplete="off"
                    spellcheck="false"
                    enterkeyhint="search"
                    autofocus
                    required
                    node_ref=input
                />
                <button type="submit" class="button button--primary">{own.go()}</button>
            </form>
            <p class="dialog__note">{dynamic(move || (!is_kept()).then(|| own.only_here()))}</p>
            <p class="dialog__note" role="status">{dynamic(move || status.get())}</p>
            <ol class="hits">{dynamic(move || found.get().into_iter().map(hit).collect_view())}</ol>
            {dynamic(move || next.get().map(|before| {
                view! { <button type="button" class="button" on:click=move |_| search(Some(before))>{own.more()}</button> }
                    .into_any()
            }))}
        </Dialog>
    }
}
