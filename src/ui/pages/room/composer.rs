//! The form that writes messages. It also saves the draft and shows who is typing. Mentions are in `mention_list`.

use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};

use crate::{
    protocol::{
        limits::{EVERYONE_MEMBERS, MESSAGE_CHARS},
        markdown::{plain, without_empty_marks},
    },
    ui::{
        browser,
        components::{Dialog, Icon, Lazy, Shape, When, sentence},
        dynamic::dynamic,
        effect::effect,
        live::{Composing, TabEntry, load_entry, store_entry, use_room},
        texts::use_texts,
        timeline::{isolate_name, typing_line},
    },
};

use super::mention_list::{MentionList, Suggestions};

/// The counter appears from this number of characters on, 400 before the limit.
const COUNT_FROM: usize = MESSAGE_CHARS - 400;
/// Marks a text area in which Enter was pressed before hydration.
const ENTERED: &str = "data-entered";

/// The composer, with a line that shows who else is typing.
#[component]
pub fn Composer() -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let own = &texts.composer;
    let text = RwSignal::new(String::new());
    let ready = RwSignal::new(false);
    let enter_sends = RwSignal::new(true);
    let area = NodeRef::<html::Textarea>::new();
    let list = MentionList::of(area);
    // Whether the person is asked before everyone in a large room is notified.
    let asking = RwSignal::new(false);

    // The draft that was there when the person began to edit a message. It stays stored meanwhile.
    let aside = StoredValue::new(None::<String>);
    let own_draft = move |text: &str| {
        if aside.with_value(Option::is_none) {
            store_entry(TabEntry::Draft, room.code, room.you.with_untracked(|you| you.member_id), text);
        }
    };

    let write = move |now: String| {
        own_draft(&now);
        if now.is_empty() {
            room.stop_typing();
        } else {
            room.press();
        }
        text.set(now);
    };
    let is_edit =
        move || room.composing.with(|composing| composing.as_ref().is_some_and(|composing| composing.is_edit));
    let send = move |is_sure: bool| {
        let now = text.get_untracked();
        let mentions = room.mentions_of(&now, list.chosen());
        let is_crowd = room.members.with_untracked(Vec::len) > EVERYONE_MEMBERS;
        // An edit notifies nobody.
        if mentions.everyone && is_crowd && !is_sure && !untrack(is_edit) {
            asking.set(true);
            return;
        }
        if !is_blank(&now) && room.say(&now, mentions).is_ok() {
            own_draft("");
            text.set(aside.try_update_value(Option::take).flatten().unwrap_or_default());
            list.keep_those_in(&text.get_untracked());
            list.close();
        }
        if let Some(area) = area.get_untracked() {
            let _ = area.focus();
        }
    };
    // The text of a message that is edited takes the place of the draft, which comes back afterwards.
    effect(move || {
        let edited = room.composing.with(|composing| {
            let composing = composing.as_ref()?;
            Some(composing.is_edit.then(|| {
                list.add(composing.of.mentions.clone());
                composing.of.body.to_string()
            }))
        });
        if let Some(Some(edited)) = edited.clone() {
            aside.update_value(|aside| _ = aside.get_or_insert_with(|| text.get_untracked()));
            text.set(edited);
        } else if let Some(draft) = aside.try_update_value(Option::take).flatten() {
            text.set(draft);
        }
        // Not at first: the reply is from before then, and the focus would open the keyboard of a phone.
        if let (Some(_), Some(area), true) = (edited, area.get_untracked(), ready.get_untracked()) {
            let _ = area.focus();
        }
    });
    // Restores the draft from before a reload, and keeps what was typed before hydration, or sends it.
    effect(move || {
        let Some(area) = area.get() else { return };
        let typed = area.value();
        let draft =
            load_entry(TabEntry::Draft, room.code, room.you.with_untracked(|you| you.member_id)).unwrap_or_default();
        // A browser that restores the page has put the draft into the text area already.
        if !typed.starts_with(&draft) {
            browser::prepend_text(&area, &draft);
        }
        // What another app has shared follows the draft, and becomes a part of it.
        if let Some(shared) = browser::take_shared() {
            area.set_value(format!("{}\n{shared}", area.value()).trim_start());
            own_draft(&area.value());
        }
        list.restore();
        text.set(area.value());
        let coarse = browser::has_coarse_pointer();
        enter_sends.set(!coarse);
        ready.set(true);
        if !coarse {
            let _ = area.focus();
        }
        // Enter was the last key before hydration (start.js).
        let entered = area.has_attribute(ENTERED);
        let _ = area.remove_attribute(ENTERED);
        if entered && area.value().ends_with('\n') {
            send(false);
        }
    });
    // The server renders no text into the text area, so hydration does not change what is in it. This effect writes
    // into it only after the draft was restored (`ready`).
    effect(move || {
        let text = text.get();
        if let (true, Some(area)) = (ready.get(), area.get_untracked())
            && area.value() != text
        {
            area.set_value(&text);
        }
    });

    // A refused message that its author edits comes before what is in the text area.
    effect(move || {
        let (Some((body, mentions)), Some(area)) = (room.taken_back.get(), area.get()) else { return };
        room.taken_back.set(None);
        list.add(mentions);
        let rest = text.get_untracked();
        write(if rest.is_empty() { body.into() } else { format!("{}\n{rest}", body.as_str()) });
        let _ = area.focus();
    });

    let on_key = move |event: KeyboardEvent| {
        // Enter confirms a suggestion of an input method. Some browsers end the composition before this event, with key
        // code 229.
        let composing = event.is_composing() || event.key_code() == 229;
        let sends = event.ctrl_key() || event.meta_key() || enter_sends.get_untracked() && !event.shift_key();
        match event.key().as_str() {
            _ if !composing && list.press(&event) => event.stop_propagation(),
            "Enter" if !composing && sends => send(false),
            "Escape" if room.composing.with_untracked(Option::is_some) => room.stop_composing(),
            "ArrowUp" if text.with_untracked(String::is_empty) && room.edit_last() => {}
            _ => return,
        }
        event.prevent_default();
    };
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        send(false);
    };
    // Moving the caret changes what is typed at it.
    let on_caret = move |_| list.look();
    let on_sure = move |_| {
        asking.set(false);
        send(true);
    };
    // Whom an edit mentions for the first time gets no notification.
    let unnotified = move || {
        let before = room.composing.with(|composing| {
            let composing = composing.as_ref().filter(|composing| composing.is_edit)?;
            Some(composing.of.mentions.clone())
        })?;
        let now = text.with(|text| list.chosen().split_by(text).0);
        let is_new = now.everyone && !before.everyone || now.ids().iter().any(|id| !before.ids().contains(id));
        is_new.then(|| own.unnotified())
    };
    let count = Memo::new(move |_| text.with(|text| text.trim_end().chars().count()));
    let blank = move || text.with(|text| is_blank(text));
    let too_long = move || count.get() > MESSAGE_CHARS;
    let grouped = move |number| grouped(number, texts.common.thousands());
    let counter = move || match count.get() {
        count if count > MESSAGE_CHARS => Some(own.too_many(&grouped(count - MESSAGE_CHARS))),
        count if count >= COUNT_FROM => Some(own.left(&grouped(MESSAGE_CHARS - count))),
        _ => None,
    };
    let about = move || {
        room.composing.get().map(|Composing { of, is_edit }| {
            let label = if is_edit { own.editing().to_owned() } else { own.replying(&isolate_name(of.name.as_str())) };
            view! {
                <span class="composer__label">{sentence(&label)}</span>
                <span class="composer__quote" dir="auto">{plain(of.body.as_str())}</span>
            }
            .into_any()
        })
    };
    let typing = move || room.typists.with(|typists| typing_line(texts, typists)).map(|text| sentence(&text));

    view! {
        <form class="composer" on:submit=on_submit>
            <p class="composer__problem" id="composer-problem" role="alert">
                {dynamic(move || too_long().then(|| own.too_long(&grouped(MESSAGE_CHARS))))}
            </p>
            <div class="composer__about" class:composer__about--shown=move || room.composing.with(Option::is_some)>
                <p role="status">{dynamic(about)}</p>
                <When holds=move || room.composing.with(Option::is_some)>
                    <button type="button" class="icon-button" aria-label=own.cancel() on:click=move |_| room.stop_composing()>
                        <Icon shape=Shape::Close/>
                    </button>
                </When>
            </div>
            <p class="composer__note" role="status">{dynamic(unnotified)}</p>
            <Suggestions list/>
            <div class="composer__line">
                <p class="composer__typing" aria-live="off">{dynamic(typing)}</p>
                <p class="composer__count" class:composer__count--over=too_long>{dynamic(counter)}</p>
            </div>
            <div class="composer__row">
                <label class="visually-hidden" for="message">{own.message()}</label>
                <textarea
                    id="message"
                    class="composer__text"
                    rows="1"
                    placeholder=own.message()
                    dir="auto"
                    // Otherwise the browser restores a text of its own accord, even one that another person typed in
                    // this tab.
                    autocomplete="off"
                    autocapitalize="sentences"
                    enterkeyhint=move || if enter_sends.get() { "send" } else { "enter" }
                    aria-describedby=move || too_long().then_some("composer-problem")
                    aria-invalid=move || too_long().then_some("true")
                    node_ref=area
                    on:input=move |event| {
                        write(event_target_value(&event));
                        list.look();
                    }
                    on:keydown=on_key
                    on:click=on_caret
                    on:blur=move |_| {
                        room.stop_typing();
                        list.close();
                    }
                ></textarea>
                // public/messages.js opens the picker.
                <button
                    type="button"
                    class="icon-button"
                    aria-label=own.emoji()
                    aria-haspopup="dialog"
                    data-emoji="message"
                    data-failed=own.no_emoji()
                >
                    <Icon shape=Shape::Smile/>
                </button>
                <button type="submit" class="send-button" aria-label=own.send() disabled=move || !ready.get() || blank() || too_long()>
                    <Icon shape=Shape::Send/>
                </button>
            </div>
            <p class="needs-scripts">{own.needs_scripts()}</p>
        </form>
        <Lazy wanted=asking>
            <Dialog open=asking id="everyone" heading=own.notify_everyone()>
                <p class="dialog__text">{dynamic(move || own.notify_everyone_text(&room.members.with(Vec::len).saturating_sub(1).to_string()))}</p>
                <div class="button-row">
                    <button type="button" class="button" autofocus on:click=move |_| asking.set(false)>{own.cancel()}</button>
                    <button type="button" class="button button--primary" on:click=on_sure>{own.send()}</button>
                </div>
            </Dialog>
        </Lazy>
    }
}

/// Whether a message would show nothing.
fn is_blank(text: &str) -> bool {
    browser::is_blank(&without_empty_marks(text))
}

/// Writes a number with a separator for thousands: `4,000`. Enough for numbers below a million.
fn grouped(number: usize, mark: &str) -> String {
    if number < 1_000 { number.to_string() } else { format!("{}{mark}{:03}", number / 1_000, number % 1_000) }
}
