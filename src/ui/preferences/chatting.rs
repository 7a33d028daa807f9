//! The page with notifications, with what others may see (typing, read position), and with the nickname for new rooms.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::ChooseChatting,
    protocol::{Notify, PreferencesForm},
    ui::{
        auth::{AuthField, Refused, refusal},
        texts::use_preferences_texts,
    },
    visit::PreferencesVisit,
};

use super::parts::{ChoiceForm, Choices, Switch, done};

pub fn form(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let texts = use_preferences_texts();
    let problem = refusal::<ChooseChatting>(visit.refused.as_ref());
    let chosen = visit.preferences.clone();
    let notify = Notify::ALL.iter().enumerate().map(|(at, notify)| (notify.as_str(), texts.notify(at), None)).collect();
    let typed = visit.typed.nickname.clone().filter(|_| problem.is_some());
    let kept = || chosen.nickname.as_ref().map(ToString::to_string).unwrap_or_default();
    let nickname = typed.unwrap_or_else(kept);
    let hint = texts.nickname_hint(visit.profile.name.as_str());
    view! {
        <div id=PreferencesForm::Chatting.as_str() class="preferences__anchor">
            {done(visit, PreferencesForm::Chatting, texts.saved())}
        </div>
        <ChoiceForm action=ChooseChatting::PATH>
            <section class="card" aria-labelledby="notifications-heading">
                <h2 id="notifications-heading" class="card__heading">{texts.notifications()}</h2>
                <Choices name="notify" legend=texts.notifications_text() options=notify chosen=chosen.notify.as_str()/>
                <Switch name="sound" label=texts.sound() text=texts.sound_text() on=chosen.sound/>
            </section>
            <section class="card" aria-labelledby="privacy-heading">
                <h2 id="privacy-heading" class="card__heading">{texts.privacy()}</h2>
                <Switch name="show_typing" label=texts.typing() text=texts.typing_text() on=chosen.show_typing/>
                <Switch name="show_read" label=texts.reading() text=texts.reading_text() on=chosen.show_read/>
            </section>
            <section class="card" aria-labelledby="new-rooms-heading">
                <h2 id="new-rooms-heading" class="card__heading">{texts.new_rooms()}</h2>
                <AuthField
                    name="nickname"
                    label=texts.nickname()
                    kind="text"
                    autocomplete="nickname"
                    value=nickname
                    problem=problem.clone()
                    hint=hint
                    required=false
                />
            </section>
            <Refused problem fields=&["nickname"]/>
        </ChoiceForm>
    }
}
