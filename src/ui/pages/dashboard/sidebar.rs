//! The list of rooms with its search field, its filter by kind, and the menu of the account.

use leptos::{
    ev::{MouseEvent, SubmitEvent},
    html,
    prelude::*,
    server_fn::ServerFn,
};

use crate::{
    api::LogOut,
    protocol::{RoomCode, addresses},
    ui::{
        account::use_account,
        browser::{self, Watch},
        components::{ConnectionBanner, Dialog, Icon, InstallOffer, ItemKey, List, Shape, SharedNote, When, sentence},
        dynamic::dynamic,
        effect::effect,
        live::{LiveList, PageSocket, RoomEntry, use_list},
        rooms::{Kind, matches_search, typed_code},
        texts::use_texts,
        timeline::isolate_name,
    },
};

use super::{BESIDE, row::RoomRow, unproved::Unproved};

/// The number of rows rendered at first, and added with each step of scrolling. Hydrating a page of five hundred rows
/// would take a phone a second.
const STEP: usize = 40;

/// The list, with links to join a room and to make one.
#[component]
pub fn Sidebar(
    /// The connection that keeps the list up to date.
    socket: PageSocket,
    /// Whether the list is the main content of the page. Its heading is then `h1` instead of `h2`.
    #[prop(into)]
    heading: Signal<bool>,
    /// Whether all rooms are rendered from the start.
    all: bool,
) -> impl IntoView {
    let Some(list) = use_list() else { return ().into_any() };
    let own = &use_texts().rooms;
    let kind = RwSignal::new(Kind::All);
    let typed = RwSignal::new(String::new());
    let shown = RwSignal::new(if all { usize::MAX } else { STEP });
    let frame = NodeRef::<html::Div>::new();
    let end = NodeRef::<html::Div>::new();

    let wanted = Memo::new(move |_| {
        let (kind, typed) = (kind.get(), typed.get());
        let matches = |entry: &&RoomEntry| {
            // Untracked, because only a renamed room or member could change the result. That is too rare for a
            // subscription per room.
            entry.room.with_untracked(|room| matches_search(room, kind, &typed))
        };
        list.entries.with(|entries| entries.iter().filter(matches).map(|entry| entry.code).collect::<Vec<_>>())
    });
    let rows = move || {
        let shown = shown.get();
        let of =
            |code: &RoomCode| list.entries.with_untracked(|all| all.iter().find(|entry| entry.code == *code).cloned());
        wanted.with(|codes| codes.iter().take(shown).filter_map(of).collect::<Vec<_>>())
    };
    let has_more = move || wanted.with(Vec::len) > shown.get();

    // Renders more rows when the reader scrolls close to the end.
    let watch = StoredValue::new(None::<Watch>);
    effect(move || {
        let watching = match (frame.get(), end.get()) {
            (Some(frame), Some(end)) if has_more() => {
                browser::watch(&end, &frame, move || shown.update(|n| *n += STEP))
            }
            _ => None,
        };
        watch.set_value(watching);
    });
    let find = move |text: String| {
        typed.set(text);
        shown.set(STEP);
    };
    let input = NodeRef::<html::Input>::new();
    // Searches for what was typed before hydration.
    effect(move || {
        let typed = input.get().map(|input| input.value()).unwrap_or_default();
        if !typed.is_empty() {
            find(typed);
        }
    });
    let clear = move |()| {
        if let Some(input) = input.get_untracked() {
            input.set_value("");
            let _ = input.focus();
        }
        find(String::new());
    };
    let choose = move |chosen: Kind| {
        kind.set(chosen);
        shown.set(STEP);
    };
    let chip = move |of: Kind, label: &'static str| {
        view! {
            <button
                type="button"
                class="chip chip--choice"
                aria-pressed=move || if kind.get() == of { "true" } else { "false" }
                on:click=move |_| choose(of)
            >
                {label}
            </button>
        }
    };
    let head = dynamic(move || {
        if heading.get() {
            view! { <h1 class="rooms__heading">{own.heading()}</h1> }.into_any()
        } else {
            view! { <h2 class="rooms__heading">{own.heading()}</h2> }.into_any()
        }
    });

    view! {
        <nav class="rooms" aria-label=own.heading()>
            <header class="rooms__top">
                <div class="rooms__bar">
                    {head}
                    <a href=to_join() class="icon-button" aria-label=own.join()><Icon shape=Shape::Code/></a>
                    <a href=addresses::NEW_ROOM class="icon-button" aria-label=own.new_room()><Icon shape=Shape::Add/></a>
                    <AccountMenu list/>
                </div>
                <div class="rooms__find" hidden=move || list.entries.with(Vec::is_empty)>
                    <label class="visually-hidden" for="find">{own.find()}</label>
                    <input
                        id="find"
                        class="field__input"
                        type="search"
                        placeholder=own.find()
                        autocomplete="off"
                        spellcheck="false"
                        enterkeyhint="search"
                        node_ref=input
                        on:input=move |event| find(event_target_value(&event))
                    />
                    <div class="rooms__kinds" role="group" aria-label=own.which()>
                        {chip(Kind::All, own.all())} {chip(Kind::Groups, own.groups())} {chip(Kind::ForTwo, own.for_two())}
                    </div>
                </div>
            </header>
            // An open room has a banner of its own.
            <When holds=move || heading.get()>
                <ConnectionBanner socket stale_since=Signal::derive(move || list.stale_since.get())/>
            </When>
            <div class="rooms__frame" data-keeps-place="rooms" node_ref=frame>
                <SharedNote text=use_texts().shared.choose()/>
                {dynamic(move || heading.get().then(|| view! { <Unproved place="rooms__unproved"/> }.into_any()))}
                <ul class="rooms__rows">
                    <List each=rows key=|entry| ItemKey::Room(entry.code) let:entry>
                        <RoomRow entry current=list.current/>
                    </List>
                </ul>
                <EmptyList list typed wanted clear/>
                <div node_ref=end></div>
                {(!all).then(|| {
                    view! { <p class="rooms__rest needs-scripts"><a href=format!("{}?all=true", addresses::DASHBOARD) rel="external">{own.all_of_them()}</a></p> }
                        .into_any()
                })}
            </div>
        </nav>
    }
    .into_any()
}

/// Shown instead of rows when there are no rooms, or none that matches. If a room's code was typed, it offers to join
/// that room.
#[component]
fn EmptyList(
    list: LiveList,
    typed: RwSignal<String>,
    wanted: Memo<Vec<RoomCode>>,
    /// Ends the search.
    #[prop(into)]
    clear: Callback<()>,
) -> impl IntoView {
    let texts = use_texts();
    let own = &texts.rooms;
    dynamic(move || {
        if list.entries.with(Vec::is_empty) {
            let view = view! {
                <div class="rooms__nothing">
                    <p class="rooms__nothing-heading">{own.none()}</p>
                    <p>{own.none_text()}</p>
                    <div class="rooms__ways">
                        <a href=to_join() class="button button--primary">{own.join_with()}</a>
                        <a href=addresses::NEW_ROOM class="button">{texts.home.make()}</a>
                    </div>
                </div>
            };
            return Some(view.into_any());
        }
        if !wanted.with(Vec::is_empty) {
            return None;
        }
        let typed = typed.get();
        let view = match typed_code(&typed) {
            Some(code) => view! {
                <a href=addresses::room(code) class="room-row__link rooms__join">
                    <span class="portrait portrait--group" data-initials="#" aria-hidden="true"></span>
                    <span class="room-row__name">{own.join_this(&code.spaced())}</span>
                    <span class="room-row__preview">{own.not_yet()}</span>
                </a>
            }
            .into_any(),
            None if typed.trim().is_empty() => {
                view! { <p class="rooms__nothing" role="status">{own.no_match()}</p> }.into_any()
            }
            None => view! {
                <div class="rooms__nothing">
                    <p role="status">{sentence(&own.no_such(&isolate_name(typed.trim())))}</p>
                    <button type="button" class="button" on:click=move |_| clear.run(())>{own.clear()}</button>
                </div>
            }
            .into_any(),
        };
        Some(view)
    })
}

/// The address of the form that joins a room by its code.
fn to_join() -> String {
    format!("{}#{BESIDE}", addresses::DASHBOARD)
}

/// The menu of the account: its name, the preferences, and the button to log out.
#[component]
fn AccountMenu(list: LiveList) -> impl IntoView {
    let texts = use_texts();
    use_account().map(|account| {
        let name = account.name.to_string();
        let initial = browser::first_letter(&name);
        let own_initial = initial.clone();
        let log_out = move |event: SubmitEvent| {
            // Without the server only the copy would go, and the session would stay.
            if list.is_unreachable() {
                event.prevent_default();
            } else {
                list.log_out();
            }
        };
        let shortcuts = RwSignal::new(false);
        let show_shortcuts = move |event: MouseEvent| {
            browser::close_layer(&event);
            shortcuts.set(true);
        };
        view! {
            <button
                type="button"
                class="icon-button rooms__account"
                popovertarget="account-menu"
                aria-label=texts.rooms.menu(&name)
            >
                <span class="portrait portrait--small" data-initials=initial aria-hidden="true"></span>
            </button>
            <div id="account-menu" class="menu" popover="auto">
                <p class="menu__who">
                    <span class="portrait portrait--small" data-initials=own_initial aria-hidden="true"></span>
                    <b dir="auto">{name}</b>
                </p>
                <a href=addresses::PREFERENCES rel="external" class="menu__item"><Icon shape=Shape::Settings/> <span>{texts.rooms.preferences()}</span></a>
                <InstallOffer class="menu__item"/>
                <button type="button" class="menu__item menu__item--keys" data-shortcuts="yes" on:click=show_shortcuts>
                    <Icon shape=Shape::Keys/>
                    <span>{texts.shortcuts.heading()}</span>
                </button>
                <form method="post" action=LogOut::PATH on:submit=log_out>
                    <button type="submit" class="menu__item" aria-disabled=move || list.is_unreachable().then_some("true")>
                        <Icon shape=Shape::Exit/>
                        <span>{texts.account.log_out()}</span>
                    </button>
                </form>
                <When holds=move || list.is_unreachable()><p class="menu__note" role="status">{texts.rooms.log_out_later()}</p></When>
            </div>
            <Shortcuts open=shortcuts/>
        }
        .into_any()
    })
}

/// The dialog with the shortcuts of the keyboard. `public/window.js` has the shortcuts themselves, and opens this
/// dialog by its item in the menu.
#[component]
fn Shortcuts(open: RwSignal<bool>) -> impl IntoView {
    let own = &use_texts().shortcuts;
    let line = |at| {
        view! {
            <li class="shortcut">
                <span>{own.does(at)}</span>
                <kbd class="tag">{own.keys(at)}</kbd>
            </li>
        }
        .into_any()
    };
    view! {
        <Dialog open id="shortcuts" heading=own.heading()>
            <ul>{(0..12).map(line).collect_view()}</ul>
        </Dialog>
    }
}
