//! The page that downloads an account's data and deletes the account.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::DeleteAccount,
    protocol::{OwnMessages, PreferencesForm},
    ui::{auth::refusal, texts::use_preferences_texts},
    visit::PreferencesVisit,
};

use super::{
    confirming::{ConfirmButtons, ConfirmField, Confirming},
    parts::FormCard,
};

/// The link to download, and the form that deletes the account.
pub fn forms(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let own = use_preferences_texts();
    let problem = refusal::<DeleteAccount>(visit.refused.as_ref());
    let confirming = Confirming::of(visit, PreferencesForm::Delete, problem);
    let messages = visit.typed.messages;
    let option = move |value: OwnMessages, name: &'static str, text: &'static str| {
        view! {
            <label class="choice">
                <input type="radio" name="messages" value=value.as_str() checked={value == messages}/>
                <span class="choice__name">{name}</span>
                <span class="choice__text">{text}</span>
            </label>
        }
    };
    view! {
        <section class="card" aria-labelledby="download-heading">
            <h2 id="download-heading" class="card__heading">{own.download()}</h2>
            <p class="card__text">{own.download_text()}</p>
            <a href="/api/users/me/data" download="anonchat.json" class="button button--wide">{own.download()}</a>
        </section>
        <FormCard form=PreferencesForm::Delete heading=own.delete()>
            <ul class="bullets">
                {(0..4).map(|at| view! { <li>{own.delete_texts(at)}</li> }).collect_view()}
            </ul>
            <form method="post" action=DeleteAccount::PATH>
                <fieldset class="choices">
                    <legend class="field__label">{own.messages()}</legend>
                    {option(OwnMessages::Keep, own.keep(), own.keep_text())}
                    {option(OwnMessages::Erase, own.erase(), own.erase_text())}
                </fieldset>
                <ConfirmField confirming=confirming.clone()/>
                <ConfirmButtons
                    confirming
                    fields=&["password", "code"]
                    label=own.delete_now()
                    class="button button--danger"
                />
            </form>
        </FormCard>
    }
}
