//! The open room: header, timeline, composer, the dialogs, and on wide screens the panel of members.

use leptos::prelude::*;

use crate::ui::{
    browser,
    components::{Ahead, Announcer, ConnectionBanner, Lazy, When},
    effect::effect,
    live::{Ending, PageSocket, use_list, use_room},
    navigation::Missed,
    texts::use_texts,
    title,
};

use super::{
    super::dashboard::Toasts,
    composer::Composer,
    dialogs::Dialogs,
    ended::Ended,
    exit::ExitDialog,
    header::Header,
    info::InfoDialog,
    invite::InviteDialog,
    kept_place::KeptPlace,
    members::{MembersDialog, MembersPanel, OwnerAction, OwnerActionDialogs},
    message_menu::{MessageDialogs, MessageMenu},
    search::SearchDialog,
    settings::SettingsDialog,
    timeline::{ReadersDialog, STAYS_AFTER_MS, Timeline},
};

/// The open room. The `LiveRoom` is in the context.
#[component]
pub fn RoomView(
    /// The connection that keeps the room up to date.
    socket: PageSocket,
) -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    effect(move || {
        // The server no longer knows this visitor, or knows somebody else in this browser. The reloaded page shows what
        // they may see.
        if room.ending.with(|ending| *ending == Some(Ending::Outside)) {
            browser::reload();
        }
    });
    let dialogs = Dialogs::closed();
    let ahead = Ahead::provide();
    // The timer ends with the page.
    StoredValue::new(browser::after(STAYS_AFTER_MS, move || ahead.go_on()));
    if room.leaves_after.is_some() {
        browser::on_closing(move || {
            let is_in = room.ending.try_with_untracked(Option::is_none) == Some(true);
            is_in.then(|| format!("/api/rooms/away?code={}", room.code))
        });
    }
    let action = OwnerAction::none();
    let menu = MessageMenu::closed();
    let Missed(missed) = expect_context();
    on_cleanup(move || _ = missed.try_set(0));
    effect(move || {
        missed.set(room.missed.get());
        let title = room.with_heading(|heading| title::of_room(texts, heading, room.missed.get()));
        browser::set_title(&title);
    });

    view! {
        <div class="room">
            <main class="room__main">
                <div class="room__top">
                    <Header dialogs/>
                    {use_list().map(|list| view! { <Toasts list/> }.into_any())}
                    <ConnectionBanner socket stale_since=room.stale_since leaves_after=room.leaves_after/>
                </div>
                <Timeline readers=dialogs.readers menu/>
                <KeptPlace/>
                <Announcer of=room.announcement/>
                <When holds=move || room.ending.with(Option::is_some) otherwise=Composer>
                    <Ended/>
                </When>
            </main>
            <MembersPanel action/>
        </div>
        // Without scripts no dialog opens, but the style shows the invitation below the room.
        <Lazy wanted=Signal::derive(move || !room.is_step || dialogs.invite.get()) ahead=true>
            <InviteDialog open=dialogs.invite/>
        </Lazy>
        // One by one: to render all of them takes a frame too long on a phone. Not ahead: long lists.
        <Lazy wanted=dialogs.info ahead=true><InfoDialog dialogs/></Lazy>
        <Lazy wanted=dialogs.search><SearchDialog open=dialogs.search/></Lazy>
        <Lazy wanted=dialogs.readers><ReadersDialog open=dialogs.readers/></Lazy>
        <Lazy wanted=dialogs.members><MembersDialog open=dialogs.members action/></Lazy>
        <Lazy wanted=Signal::derive(move || action.is_chosen())><OwnerActionDialogs action/></Lazy>
        <Lazy wanted=dialogs.settings ahead=true><SettingsDialog open=dialogs.settings/></Lazy>
        <Lazy wanted=dialogs.exit ahead=true><ExitDialog open=dialogs.exit/></Lazy>
        <Lazy wanted=Signal::derive(move || menu.is_wanted()) ahead=true><MessageDialogs menu/></Lazy>
    }
}
