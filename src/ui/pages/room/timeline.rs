//! The timeline of a room, with the oldest row at the top and the newest at the bottom.
//!
//! It stays at the bottom while new rows arrive, unless the reader has scrolled up. Scrolling close to the top loads
//! older rows. Which rows there are is computed in `live` and `ui/timeline`. This file renders them and handles scroll
//! positions.

use leptos::{
    ev::{KeyboardEvent, MouseEvent},
    html,
    prelude::*,
    task::{spawn_local, tick},
    web_sys::Event,
};

use crate::{
    protocol::{Person, RoomType},
    ui::{
        browser::{self, Watch},
        clock::use_clock,
        components::{Dialog, Icon, ItemKey, List, MessageActs, MessageItem, Portrait, Shape, When, sentence},
        dynamic::dynamic,
        effect::effect,
        face::Face,
        live::{Entry, use_room},
        texts::use_texts,
        timeline::{Absence, Row, RowKey},
    },
};

use super::{
    invite::{Invitation, who_can_join},
    message_menu::MessageMenu,
};

/// A reader within this many pixels of the end counts as being at the end.
const NEAR_END: i32 = 48;
/// A reader who has been in a room for this long stays there.
pub const STAYS_AFTER_MS: u64 = 500;
/// The line before the first unread message, as a selector.
const UNREAD: &str = ".unread";
/// The class of the rows of days.
const DAY: &str = "day";
/// The line of a reply about the message that it is to, as a selector.
const QUOTE: &str = ".message__quote";
/// A reaction below a message, as a selector.
const REACTION: &str = ".reaction";
/// How long it is shown why a reaction was refused.
const REFUSAL_MS: u64 = 6_000;
/// The first row, as a selector.
const FIRST: &str = "ol > li";
/// The most pages of history that are loaded to find the first unread message: when the room is opened, and when the
/// reader asks.
const PAGES_AT_OPENING: usize = 4;
const PAGES_ASKED_FOR: usize = 20;

/// The timeline, with its buttons to the first unread message and to the newest message.
#[component]
pub fn Timeline(
    /// Set to true to open the list of readers.
    readers: RwSignal<bool>,
    /// The menu of a message.
    menu: MessageMenu,
) -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let own = &texts.timeline;
    let frame = NodeRef::<html::Div>::new();
    let top = NodeRef::<html::Div>::new();
    let bottom = NodeRef::<html::Div>::new();

    // Scrolls to the end after each message that the reader sends. Not at hydration, because the reader may have
    // scrolled before that.
    effect(move || {
        if room.sent_count.get() > 0
            && let Some(frame) = frame.get()
        {
            browser::scroll_to_end(&frame);
        }
    });

    // `shown` follows `room.entries` one step later, so that the position of the visible rows can be recorded before
    // the change and restored after it. At the end of the timeline the browser does that by itself.
    let shown = RwSignal::new(room.entries.get_untracked());
    let changes = StoredValue::new(0_u32);
    effect(move || {
        let next = room.entries.get();
        let frame = frame.get_untracked().filter(|_| !room.at_end.get_untracked());
        let positions = frame.as_ref().and_then(|frame| browser::record_positions(frame));
        changes.update_value(|changes| *changes += 1);
        let change = changes.get_value();
        spawn_local(async move {
            if show(shown, next, || changes.try_get_value() == Some(change)).await
                && let (Some(frame), Some(positions)) = (frame, positions)
            {
                browser::restore_positions(&frame, &positions);
                // Rows that came above change the place without a scroll.
                if room.at_end.try_get_untracked() == Some(false) {
                    room.keep_place(Some(browser::place_of(&frame)));
                }
            }
        });
    });

    // Opens the room at the first unread message, if the unread messages are taller than the screen. If the reader has
    // asked for the first unread message, it is shown in any case.
    let place = StoredValue::new(room.place());
    effect(move || {
        let asked_for = room.jump_count.get() > 0;
        let Some(frame) = frame.get() else { return };
        // A room that was open before is shown where the reader had scrolled to.
        if let Some(place) = place.try_update_value(Option::take).flatten() {
            browser::return_to_place(&frame, place);
            room.reads_end(browser::distance_from_end(&frame) < NEAR_END);
            return;
        }
        spawn_local(async move {
            while !shown.is_disposed() && first(shown) != first(room.entries) {
                tick().await;
            }
            tick().await;
            match browser::distance_from_top(&frame, UNREAD) {
                Some(distance) => {
                    if asked_for || distance < 0.0 {
                        browser::scroll_to(&frame, UNREAD);
                    }
                    room.reached_unread();
                }
                None if asked_for => browser::scroll_to(&frame, FIRST),
                None if room.is_unread_further_up() => {
                    room.go_to_unread(PAGES_AT_OPENING, true);
                    return;
                }
                // Nobody has scrolled yet. Asking where the page is would make the browser lay it out once more.
                None if room.is_step => {
                    room.reads_end(true);
                    return;
                }
                None => {}
            }
            room.reads_end(browser::distance_from_end(&frame) < NEAR_END);
        });
    });

    // Leads to a message that was brought onto the page.
    effect(move || {
        let (Some(key), Some(frame)) = (room.target.get(), frame.get()) else { return };
        spawn_local(async move {
            while !shown.is_disposed() && first(shown) != first(room.entries) {
                tick().await;
            }
            tick().await;
            let index = |rows: &Vec<Entry>| rows.iter().position(|entry| entry.key == key);
            if let Some(index) = shown.try_with_untracked(index).flatten() {
                browser::focus_row(&frame, index);
                room.reads_end(browser::distance_from_end(&frame) < NEAR_END);
            }
        });
    });

    // A step shows a screenful. Older rows come above it when the reader stays or scrolls: adding them would hold up
    // who goes on to the next room.
    let stays = RwSignal::new(!room.is_step);
    // The timer ends with the page.
    StoredValue::new(room.is_step.then(|| browser::after(STAYS_AFTER_MS, move || stays.set(true))));
    effect(move || {
        if stays.get() {
            room.fill();
        }
    });

    // Loads older rows when the reader scrolls close to the top. Observed again after each page, because the top may
    // still be in view.
    let watch = StoredValue::new(None::<Watch>);
    effect(move || {
        let wanted = stays.get()
            && room.has_earlier.get()
            && !room.loading_earlier.get()
            && room.earlier_problem.with(Option::is_none);
        room.entries.track();
        let watching = match (frame.get(), top.get()) {
            (Some(frame), Some(top)) if wanted => browser::watch(&top, &frame, move || room.load_earlier()),
            _ => None,
        };
        watch.set_value(watching);
    });

    // Whatever failed without a connection is asked for again with one.
    effect(move || {
        if room.stale_since.with(Option::is_none) {
            room.earlier_problem.set(None);
        }
    });

    // The same at the bottom. The newest rows are taken off the page when the reader scrolls far up.
    let watch_below = StoredValue::new(None::<Watch>);
    effect(move || {
        room.entries.track();
        let watching = match (frame.get(), bottom.get()) {
            (Some(frame), Some(bottom)) if room.has_later.get() => {
                browser::watch(&bottom, &frame, move || room.load_later())
            }
            _ => None,
        };
        watch_below.set_value(watching);
    });

    // The day of the topmost visible row, while the reader is further up and the row of that day is not in view.
    let floating_day = RwSignal::new(None::<String>);
    let on_scroll = move |_| {
        if let Some(frame) = frame.get_untracked() {
            if !stays.get_untracked() {
                stays.set(true);
            }
            let is_at_end = browser::distance_from_end(&frame) < NEAR_END;
            let day = browser::passed(&frame, DAY).filter(|_| !is_at_end);
            if floating_day.with_untracked(|floating| *floating != day) {
                floating_day.set(day);
            }
            room.keep_place((!is_at_end).then(|| browser::place_of(&frame)));
            room.reads_end(is_at_end);
            if room.unread_above.get_untracked() > 0
                && browser::distance_from_top(&frame, UNREAD).is_some_and(|distance| distance >= 0.0)
            {
                room.reached_unread();
            }
        }
    };
    let to_unread = move |_| {
        // The button disappears, so the focus moves to the timeline instead of the top of the page.
        if let Some(frame) = frame.get_untracked() {
            let _ = frame.focus();
        }
        room.go_to_unread(PAGES_ASKED_FOR, false);
    };
    let unread =
        move || if room.is_far.get() { own.further_up().to_owned() } else { own.unread_above(room.unread_above.get()) };
    let acts = MessageActs {
        retry: Callback::new(move |id| room.retry(id)),
        edit: Callback::new(move |id| room.take_back(id)),
        discard: Callback::new(move |id| room.discard(id)),
        list_readers: Callback::new(move |()| readers.set(true)),
    };
    // The messages have no listeners of their own, so that a message costs little.
    let key_of = move |event: &Event| {
        let index = browser::row_index(event)?;
        shown.with_untracked(|rows| rows.get(index).map(|entry| entry.key))
    };
    let chosen = move |event: &Event| room.chosen(key_of(event)?);
    let show_menu = move |event: MouseEvent| {
        if let Some(of) = chosen(&event) {
            event.prevent_default();
            menu.show(of, event.client_x(), event.client_y());
        }
    };
    let on_key = move |event: KeyboardEvent| {
        let is_held = event.ctrl_key() || event.meta_key() || event.alt_key();
        if is_held || browser::is_within(&event, "a, button") {
            return;
        }
        let Some(of) = chosen(&event) else { return };
        match event.key().as_str() {
            "r" | "R" if of.can_reply => room.compose(of, false),
            "e" | "E" if of.can_edit => room.compose(of, true),
            "Delete" | "Backspace" if of.can_delete => menu.ask_to_delete(of),
            _ => return,
        }
        event.prevent_default();
    };
    let on_click = move |event: MouseEvent| {
        if let Some(emoji) = browser::value_of(&event, REACTION) {
            if let Some(of) = chosen(&event) {
                room.toggle_reaction(&of, &emoji);
            }
            return;
        }
        if !browser::is_within(&event, QUOTE) {
            return;
        }
        if let Some((key, seq)) = key_of(&event).and_then(|key| room.replied_to(key)) {
            spawn_local(async move {
                // A failure is shown above the timeline.
                if let Ok(true) = room.bring(key, seq).await {
                    room.target.set(Some(key));
                }
            });
        }
    };
    let to_end = move |_| {
        room.show_end();
        if let Some(frame) = frame.get_untracked() {
            browser::scroll_to_end(&frame);
        }
    };
    let unseen = move || match room.unseen.get() {
        0 => own.newest().to_owned(),
        unseen => own.unseen(unseen),
    };
    let refused = move || room.refused_reaction.get().map(|problem| own.not_reacted(&texts.problem(&problem)));
    let forgets = StoredValue::new(None);
    effect(move || {
        let shown = room.refused_reaction.with(Option::is_some);
        let forget = move || room.refused_reaction.set(None);
        forgets.set_value(shown.then(|| browser::after(REFUSAL_MS, forget)));
    });
    let problem = move || room.earlier_problem.get().filter(|_| !room.at_end.get());

    let is_group = room.room_type == RoomType::Group;

    view! {
        <div class="timeline" class:timeline--group=is_group>
            <div class="timeline__frame" role="log" aria-live="off" aria-label=own.label() tabindex="0" node_ref=frame on:scroll=on_scroll>
                <div class="timeline__content">
                    <div class="timeline__top" node_ref=top>
                        <When holds=move || room.has_earlier.get()>
                            <button
                                type="button"
                                class="chip"
                                aria-disabled=move || room.loading_earlier.get().then_some("true")
                                on:click=move |_| room.load_earlier()
                            >
                                {dynamic(move || if room.loading_earlier.get() { own.fetching() } else { own.earlier() })}
                            </button>
                        </When>
                    </div>
                    <ol class="timeline__rows" on:contextmenu=show_menu on:keydown=on_key on:click=on_click>
                        <List each=move || shown.get() key=|entry| ItemKey::Row(entry.key, entry.edition) let:entry>
                            <RowItem entry acts/>
                        </List>
                    </ol>
                    <div node_ref=bottom></div>
                    {dynamic(move || room.greeting().map(|text| view! { <p class="hello">{sentence(&text)}</p> }.into_any()))}
                    <When holds=move || room.is_untouched()>
                        <section class="alone" aria-labelledby="alone-heading">
                            <h2 id="alone-heading" class="alone__heading">{own.alone()}</h2>
                            <p>{who_can_join(&room, &texts.invite)}</p>
                            <Invitation/>
                        </section>
                    </When>
                </div>
            </div>
            // Beside the message under the pointer, or the one with the focus (public/messages.js).
            <button type="button" class="icon-button timeline__act" aria-label=own.actions() aria-haspopup="menu" tabindex="-1" hidden><Icon shape=Shape::More/></button>
            <p class="day day--floating" aria-hidden="true">
                {dynamic(move || floating_day.get().map(|day| view! { <span class="day__label">{day}</span> }.into_any()))}
            </p>
            // Over the rows, because the reader is somewhere below the place where they would be.
            <div class="banner timeline__problem" class:banner--shown=move || problem().is_some()>
                <p class="banner__text" role="status">{dynamic(move || problem().map(|problem| texts.problem(&problem)))}</p>
                <button type="button" class="text-button" on:click=move |_| room.load_earlier()>{own.retry()}</button>
            </div>
            <div class="banner timeline__problem" class:banner--shown=move || room.refused_reaction.with(Option::is_some)>
                <p class="banner__text" role="status">{dynamic(refused)}</p>
            </div>
            <button
                type="button"
                class="pill pill--top"
                class:pill--shown=move || room.unread_above.get() != 0
                aria-disabled=move || room.loading_earlier.get().then_some("true")
                on:click=to_unread
            >
                <Icon shape=Shape::Up/>
                <span>{dynamic(unread)}</span>
            </button>
            <button type="button" class="pill pill--end" class:pill--shown=move || !room.at_end.get() on:click=to_end>
                <Icon shape=Shape::Down/>
                <span class:visually-hidden=move || room.unseen.get() == 0>{dynamic(unseen)}</span>
            </button>
        </div>
    }
}

/// The list of those who have read the message with the "seen" mark.
#[component]
pub fn ReadersDialog(open: RwSignal<bool>) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().timeline;
    let heading = Signal::derive(move || texts.seen_by(&room.readers.with(Vec::len).to_string()));
    let reader = |Person { id, name }: Person| {
        view! {
            <li class="member">
                <Portrait face=Face::of_member(id, name.as_str()) class="portrait--small"/>
                <span class="member__name" dir="auto">{name.to_string()}</span>
            </li>
        }
        .into_any()
    };
    view! {
        <Dialog open id="readers" heading>
            <ul class="members">
                {dynamic(move || room.readers.get().into_iter().map(reader).collect_view())}
            </ul>
        </Dialog>
    }
}

/// Renders `next`, and returns true once its rows are in the page. Returns false if a newer change has replaced this
/// one.
///
/// New rows above all known rows are inserted one by one. If several are inserted at once, `For` (tachys 0.2) treats
/// all rows below as moved and inserts each of them again, and the browser computes style and layout of the whole page.
async fn show(shown: RwSignal<Vec<Entry>>, next: Vec<Entry>, is_last: impl Fn() -> bool) -> bool {
    let is_known = |key| shown.try_with_untracked(|shown| shown.iter().any(|entry| entry.key == key)) == Some(true);
    let above = next.iter().position(|entry| is_known(entry.key)).unwrap_or_default();
    for start in (1..above).rev() {
        shown.try_set(next[start..].to_vec());
        tick().await;
        if !is_last() {
            return false;
        }
    }
    shown.try_set(next);
    tick().await;
    is_last()
}

/// The key of the first row.
fn first(rows: RwSignal<Vec<Entry>>) -> Option<RowKey> {
    rows.try_with_untracked(|rows| rows.first().map(|entry| entry.key)).flatten()
}

/// One row.
#[component]
fn RowItem(entry: Entry, acts: MessageActs) -> impl IntoView {
    let clock = use_clock();
    let row = entry.row;
    match row.get_untracked() {
        Row::Message(first) => view! { <MessageItem first row acts/> }.into_any(),
        Row::Day(_) => {
            let label = move || match row.get() {
                Row::Day(day) => clock.day_label(day),
                Row::Message(_) | Row::Notice(_) | Row::Unread | Row::Hole(_) => String::new(),
            };
            view! { <li class="day"><span class="day__label">{dynamic(label)}</span></li> }.into_any()
        }
        Row::Notice(_) => {
            let content = move || match row.get() {
                Row::Notice(text) => sentence(&text),
                Row::Message(_) | Row::Day(_) | Row::Unread | Row::Hole(_) => ().into_any(),
            };
            // The sentence has the text direction of the page, and each name in it its own.
            view! { <li class="notice">{dynamic(content)}</li> }.into_any()
        }
        Row::Hole(absence) => {
            let texts = &use_texts().timeline;
            let sentence = move || match absence {
                Some(Absence { from, to }) => match (clock.briefly(from), clock.briefly(to)) {
                    (from, to) if from == to => texts.away_briefly().to_owned(),
                    (from, to) => texts.away(&from, &to),
                },
                None => texts.lost().to_owned(),
            };
            view! { <li class="notice notice--hole">{dynamic(sentence)}</li> }.into_any()
        }
        Row::Unread => view! { <li class="unread"><span>{use_texts().timeline.unread()}</span></li> }.into_any(),
    }
}
