//! Going from page to page without loading a document.
//!
//! `leptos_router` owns links, history and the address. It reports each new address, and [`Navigation`] decides what is
//! shown: a room that is in memory at once, the list at once, and any other page after its content has come as JSON.
//! What the app does not show itself (the pages of accounts) is loaded as a document, and so is any page whose content
//! does not come as expected, for example from another version of the server.
//!
//! What outlives a page belongs to the app's owner: the socket, the rooms in memory and the list.

use leptos::{
    prelude::*,
    task::{spawn_local, tick},
};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
    location::{BrowserUrl, LocationProvider},
};

use crate::protocol::{Identity, JoinOffer, Page, RoomCode, RoomSummary, Visit, addresses};

use super::{
    account::use_account,
    browser,
    device::{self, KeptAt},
    effect::effect,
    live::{Announcement, LiveList, PageSocket, provide_list, use_list},
    refused_form::forget_refused_form,
    texts::{Texts, use_texts},
    title,
};

/// What the app shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A page with its content.
    Page(Box<Page>),
    /// A room that is in memory.
    Room(RoomCode),
    /// A page whose content did not come.
    Unreachable,
}

/// The page that is shown, and the way to others.
#[derive(Clone, Copy)]
pub struct Navigation {
    /// The one socket of the app.
    pub socket: PageSocket,
    pub shown: RwSignal<Shown>,
    /// Whether the content of the next page is on its way.
    pub is_loading: RwSignal<bool>,
    /// Reads the title of each new page aloud. A document would do that by itself.
    pub announcement: Announcement,
    /// The number of the last step. An answer that belongs to an earlier step is dropped.
    step: StoredValue<u64>,
    /// Tells the router to go to an address.
    navigate: Callback<String>,
    /// The owner of the app, for what outlives a page.
    owner: StoredValue<Owner>,
    account: StoredValue<Option<Identity>>,
    kept_at: KeptAt,
    texts: &'static Texts,
}

/// The number of messages that arrived in the open room while nobody was looking at it. The room's view writes it.
#[derive(Clone, Copy)]
pub struct Missed(pub RwSignal<usize>);

/// Provides the navigation, which starts with the page of the document and the rooms in it.
pub fn provide_navigation(page: Page, rooms: Option<Vec<RoomSummary>>, kept_at: KeptAt) -> Navigation {
    let socket = PageSocket::new();
    if let (Some(account), Some(rooms)) = (use_account(), rooms) {
        let current = match page {
            Page::Room { code, .. } => Some(code),
            _ => None,
        };
        start_list(socket, rooms, current, &account);
    }
    let navigate = use_navigate();
    let navigation = Navigation {
        socket,
        shown: RwSignal::new(Shown::Page(Box::new(page))),
        is_loading: RwSignal::new(false),
        announcement: Announcement::new(),
        step: StoredValue::new(0),
        navigate: Callback::new(move |address: String| navigate(&address, NavigateOptions::default())),
        owner: StoredValue::new(Owner::current().unwrap_or_default()),
        account: StoredValue::new(use_account()),
        kept_at,
        texts: use_texts(),
    };
    provide_context(navigation);
    let missed = RwSignal::new(0);
    provide_context(Missed(missed));
    effect(move || {
        // A list may come with a page.
        navigation.shown.track();
        let in_other_rooms = navigation.list().map_or(0, |list| list.unread.get());
        browser::show_unread(in_other_rooms + missed.get() as u64);
    });
    navigation
}

/// Returns the navigation. `None` on the pages that are documents.
pub fn use_navigation() -> Option<Navigation> {
    use_context()
}

/// Follows the address. Inside the router, and rendered once.
#[component]
pub fn FollowAddress() -> impl IntoView {
    let navigation = use_navigation();
    let location = use_location();
    let history = use_context::<BrowserUrl>();
    let before = StoredValue::new(None::<String>);
    effect(move || {
        let path = location.pathname.get();
        let Some(before) = before.try_update_value(|before| before.replace(path.clone())) else { return };
        // The first address is the one of the document.
        let (Some(navigation), true) = (navigation, before.is_some_and(|before| before != path)) else { return };
        let (search, hash) = (location.search.get_untracked(), location.hash.get_untracked());
        let query = if search.is_empty() { search } else { format!("?{search}") };
        let address = format!("{path}{query}{hash}");
        if addresses::is_of_app(&path) && !navigation.socket.is_outdated() {
            if let Some(history) = &history {
                history.ready_to_complete();
            }
            navigation.follow(path, address);
        } else {
            browser::go(&address);
        }
    });
}

/// Makes the live list from the rooms that the server rendered, and keeps it for the whole app. `current` is the open
/// room beside it.
fn start_list(socket: PageSocket, rooms: Vec<RoomSummary>, current: Option<RoomCode>, account: &Identity) {
    let list = LiveList::new(socket, rooms, current, account);
    provide_list(list);
    effect(move || {
        socket.start();
        // Nobody is logged in any more, so the reloaded page offers to log in. Beside an open room, `RoomView` handles
        // this (`Ending::Outside`).
        if list.logged_out.get() && list.current.get_untracked().is_none() {
            browser::reload();
        }
    });
}

impl Navigation {
    /// Goes to a page of this site: in the app if nothing else is needed for it, otherwise as a document. For redirects
    /// after a form.
    pub fn go(self, address: &str) {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        // Who joins as a guest has just become somebody. The document of the next page belongs to them.
        let is_same_person = self.account.try_with_value(Option::is_some) == Some(true);
        if !is_same_person || !addresses::is_of_app(path) {
            browser::go(address);
        } else if path == browser::path() {
            // The router reports no step, but the page has another content now, as after joining a room behind its
            // link.
            self.retry();
        } else {
            self.navigate.run(address.to_owned());
        }
    }

    /// Asks for the content of the page again that did not come.
    pub fn retry(self) {
        let path = browser::path();
        self.follow(path.clone(), path);
    }

    fn follow(self, path: String, address: String) {
        let Some(step) = self.step.try_update_value(|step| {
            *step += 1;
            *step
        }) else {
            return;
        };
        self.hold_address(step, address.clone());
        if let Some(shown) = self.at_hand(&path) {
            self.show(step, shown);
            return;
        }
        self.is_loading.set(true);
        spawn_local(async move {
            // A room that the device keeps is shown at once. Its subscription then brings what came since. Of other
            // pages the device keeps less than the server has.
            let is_room = path.parse::<RoomCode>().is_ok();
            let kept = device::visit_for(&path).await.filter(|kept| self.is_own(kept));
            let answer = if is_room && kept.is_some() { None } else { browser::get(&addresses::content(&path)).await };
            if !self.is_last(step) {
                return;
            }
            // An error that is no page is from a proxy whose server is away, or from a server that cannot answer now.
            let visit = answer.as_ref().and_then(|answer| serde_json::from_str::<Visit>(&answer.text).ok());
            match (visit, kept) {
                (Some(visit), _) if self.is_own(&visit) => self.take(step, visit),
                (Some(_), _) => browser::go(&address),
                (None, _) if answer.as_ref().is_some_and(|answer| answer.is_ok) => browser::go(&address),
                (None, Some(kept)) => self.take(step, kept),
                (None, None) => self.show(step, Shown::Unreachable),
            }
        });
    }

    /// Whether a visit is that of the person whose page this is.
    fn is_own(self, visit: &Visit) -> bool {
        self.account
            .try_with_value(|own| own.as_ref().map(|own| &own.name) == visit.account.as_ref().map(|one| &one.name))
            == Some(true)
    }

    fn is_last(self, step: u64) -> bool {
        self.step.try_with_value(|last| *last == step) == Some(true)
    }

    /// Whether the page is not that of the document any more.
    pub fn is_after_step(self) -> bool {
        !self.is_last(0)
    }

    /// Whether the number of the last step is odd.
    pub fn is_odd_step(self) -> bool {
        self.step.try_with_value(|step| step % 2 == 1) == Some(true)
    }

    /// What can be shown without asking the server.
    fn at_hand(self, path: &str) -> Option<Shown> {
        if path == addresses::DASHBOARD {
            let account = self.list().and(self.account.try_get_value()?)?;
            let offer = JoinOffer { request: None, nickname: account.name, current: None };
            return Some(Shown::Page(Box::new(Page::Dashboard { offer: Some(offer), all: false })));
        }
        let code = path.parse().ok()?;
        (path == addresses::room(code) && self.socket.has_room(code)).then_some(Shown::Room(code))
    }

    /// The list of rooms, if the app has it.
    pub fn list(self) -> Option<LiveList> {
        self.owner.try_with_value(|owner| owner.with(use_list)).flatten()
    }

    fn take(self, step: u64, visit: Visit) {
        self.kept_at.set(visit.kept_at);
        if let (None, Some(account), Some(rooms)) = (self.list(), visit.account, visit.rooms) {
            self.owner.try_with_value(|owner| owner.with(|| start_list(self.socket, rooms, None, &account)));
        }
        self.show(step, Shown::Page(Box::new(visit.page)));
    }

    fn show(self, step: u64, shown: Shown) {
        forget_refused_form();
        let unread = self.list().map(|list| list.unread.get_untracked()).unwrap_or_default();
        let title = match &shown {
            Shown::Page(page) => Some(title::of_page(self.texts, page, unread)),
            Shown::Room(_) => None,
            Shown::Unreachable => Some(title::of_heading(self.texts.document.unreachable())),
        };
        if let Some(title) = title {
            browser::set_title(&title);
        }
        self.is_loading.set(false);
        self.shown.set(shown);
        spawn_local(async move {
            tick().await;
            tick().await;
            if self.is_last(step) {
                self.announcement.say(browser::title());
                browser::focus_page();
            }
        });
    }

    /// Repairs the address after a step: `leptos_router` 0.8 does not push it if the reader went back and forward
    /// before. It compares with a stack of its own, which misses steps forward.
    fn hold_address(self, step: u64, address: String) {
        spawn_local(async move {
            tick().await;
            tick().await;
            if self.is_last(step) && browser::address() != address {
                browser::push_address(&address);
            }
        });
    }
}
