//! The menu of a message, one for the whole timeline, and the dialog that asks before a message is deleted.
//!
//! It opens as a dialog, at the pointer or as a sheet on a phone. `public/messages.js` lets it open by a long press and
//! by keys, and moves the focus within it.

use leptos::{
    ev::MouseEvent,
    html,
    prelude::*,
    task::{spawn_local, tick},
    web_sys::CustomEvent,
};

use crate::{
    protocol::{Mentions, addresses, markdown::plain},
    ui::{
        browser,
        components::{Dialog, Icon, Shape, is_outside},
        dynamic::dynamic,
        effect::effect,
        live::{Chosen, LiveRoom, use_list, use_room},
        navigation::{Navigation, use_navigation},
        texts::use_texts,
    },
};

/// Which message has its menu open, and which is about to be deleted.
#[derive(Clone, Copy)]
pub struct MessageMenu {
    of: RwSignal<Option<Chosen>>,
    /// Where the menu opens, in pixels of the window.
    at: RwSignal<(i32, i32)>,
    open: RwSignal<bool>,
    deleting: RwSignal<bool>,
}

impl MessageMenu {
    pub fn closed() -> Self {
        Self {
            of: RwSignal::new(None),
            at: RwSignal::new((0, 0)),
            open: RwSignal::new(false),
            deleting: RwSignal::new(false),
        }
    }

    /// Whether the menu or the dialog has to be rendered.
    pub fn is_wanted(self) -> bool {
        self.open.get() || self.deleting.get()
    }

    /// Opens the menu of a message.
    pub fn show(self, of: Chosen, x: i32, y: i32) {
        self.of.set(Some(of));
        self.at.set((x, y));
        self.open.set(true);
    }

    /// Asks whether to delete a message.
    pub fn ask_to_delete(self, of: Chosen) {
        self.of.set(Some(of));
        self.deleting.set(true);
    }
}

/// The reactions that the menu offers.
const QUICK: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// What can be chosen in the menu.
#[derive(Clone, Copy)]
enum Item {
    Reply,
    Copy,
    Forward,
    Edit,
    Delete,
}

impl Item {
    const ALL: [Self; 5] = [Self::Reply, Self::Copy, Self::Forward, Self::Edit, Self::Delete];

    /// `has_list` says whether this person has a list of rooms.
    fn is_possible(self, of: &Chosen, has_list: bool) -> bool {
        match self {
            Self::Reply => of.can_reply,
            Self::Copy => true,
            Self::Forward => has_list,
            Self::Edit => of.can_edit,
            Self::Delete => of.can_delete,
        }
    }

    fn act(self, of: Chosen, room: &LiveRoom, menu: MessageMenu, navigation: Option<Navigation>) {
        match self {
            Self::Reply => room.compose(of, false),
            Self::Copy => room.copy_text(of),
            // As with a text from another app, the composer of the room that is chosen next takes it.
            Self::Forward => {
                browser::put_shared(of.body.as_str());
                if let Some(navigation) = navigation {
                    navigation.go(addresses::DASHBOARD);
                }
            }
            Self::Edit => room.compose(of, true),
            Self::Delete => menu.deleting.set(true),
        }
    }
}

/// The menu, and the dialog that asks before a message is deleted.
#[component]
pub fn MessageDialogs(menu: MessageMenu) -> impl IntoView {
    let room = use_room();
    let navigation = use_navigation();
    let has_list = use_list().is_some();
    let texts = &use_texts().timeline;
    let dialog = NodeRef::<html::Dialog>::new();
    effect(move || {
        let wanted = menu.open.get();
        let Some(dialog) = dialog.get() else { return };
        spawn_local(async move {
            // The items come first, so that one of them gets the focus.
            tick().await;
            if wanted { browser::show_dialog(&dialog) } else { browser::close_dialog(&dialog) }
        });
    });
    let item = move |item: Item| {
        let (shape, label, class) = match item {
            Item::Reply => (Shape::Reply, texts.reply(), "menu__item"),
            Item::Copy => (Shape::Copy, texts.copy(), "menu__item"),
            Item::Forward => (Shape::Share, texts.forward(), "menu__item"),
            Item::Edit => (Shape::Pen, texts.edit(), "menu__item"),
            Item::Delete => (Shape::Bin, texts.delete(), "menu__item menu__item--danger"),
        };
        let choose = move |event: MouseEvent| {
            browser::close_layer(&event);
            if let Some(of) = menu.of.get_untracked() {
                item.act(of, &room, menu, navigation);
            }
        };
        view! { <button type="button" class=class role="menuitem" on:click=choose><Icon shape/><span>{label}</span></button> }
            .into_any()
    };
    let items = move || {
        let of = menu.of.get();
        let possible = |item: &Item| of.as_ref().is_some_and(|of| item.is_possible(of, has_list));
        Item::ALL.into_iter().filter(possible).map(item).collect_view()
    };
    let quick = move |emoji: &'static str| {
        let is_on = menu.of.with(|of| of.as_ref().is_some_and(|of| of.reacted.iter().any(|reacted| reacted == emoji)));
        let choose = move |event: MouseEvent| {
            browser::close_layer(&event);
            if let Some(of) = menu.of.get_untracked() {
                room.toggle_reaction(&of, emoji);
            }
        };
        let checked = if is_on { "true" } else { "false" };
        view! { <button type="button" class="quick" role="menuitemcheckbox" aria-checked=checked on:click=choose>{emoji}</button> }
            .into_any()
    };
    // public/messages.js opens the picker at a button that stays when the menu closes, and hands the emoji to it.
    let picker = NodeRef::<html::Button>::new();
    let more = move |event: MouseEvent| {
        browser::close_layer(&event);
        if let Some(picker) = picker.get_untracked() {
            picker.click();
        }
    };
    let react = move |event: CustomEvent| {
        let target = menu.of.with_untracked(|of| of.as_ref().and_then(|of| of.target));
        if let (Some(target), Some(emoji)) = (target, event.detail().as_string()) {
            room.react(target, &emoji, true);
        }
    };
    let quick_row = move || {
        menu.of.with(|of| of.as_ref().is_some_and(|of| of.target.is_some())).then(|| {
            view! {
                <div class="message-menu__quick" role="group" aria-label=texts.react()>
                    {QUICK.into_iter().map(quick).collect_view()}
                    <button type="button" class="quick" role="menuitem" aria-label=texts.react_more() on:click=more><Icon shape=Shape::Add/></button>
                </div>
            }
            .into_any()
        })
    };
    let text = move || menu.of.with(|of| of.as_ref().map(|of| plain(of.body.as_str())));
    let delete = move |_| {
        menu.deleting.set(false);
        if let Some(of) = menu.of.get_untracked() {
            room.change(&of, None, Mentions::default());
        }
    };

    view! {
        <dialog
            class="menu message-menu"
            node_ref=dialog
            aria-label=texts.actions()
            style:--x=move || format!("{}px", menu.at.get().0)
            style:--y=move || format!("{}px", menu.at.get().1)
            on:close=move |_| menu.open.set(false)
            on:click=move |event| {
                if is_outside(&event) {
                    menu.open.set(false);
                }
            }
        >
            <div class="message-menu__content">
                <p class="menu__text" dir="auto">{dynamic(text)}</p>
                <div role="menu" aria-label=texts.actions()>{dynamic(move || (quick_row(), items()).into_any())}</div>
            </div>
        </dialog>
        <button
            type="button"
            class="message-menu__picker"
            node_ref=picker
            tabindex="-1"
            aria-label=texts.react_more()
            data-emoji=""
            data-failed=use_texts().composer.no_emoji()
            style:--x=move || format!("{}px", menu.at.get().0)
            style:--y=move || format!("{}px", menu.at.get().1)
            on:emoji=react
        ></button>
        <Dialog open=menu.deleting id="delete-message" heading=texts.delete_heading()>
            <p class="dialog__text">{texts.delete_text()}</p>
            <div class="button-row">
                <button type="button" class="button" autofocus on:click=move |_| menu.deleting.set(false)>{texts.cancel()}</button>
                <button type="button" class="button button--danger" on:click=delete>{texts.delete()}</button>
            </div>
        </Dialog>
    }
}
