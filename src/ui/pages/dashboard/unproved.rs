//! A notice for accounts whose e-mail address is not confirmed. Such an account may lose its address, and mails may not
//! reach it.

use leptos::prelude::*;

use crate::{
    api::ChangeEmail,
    protocol::{MailReach, PreferencesForm, addresses},
    ui::{
        account::use_account,
        components::{FormProblem, Submit},
        form::{Form, FormRequest},
        texts::use_texts,
    },
};

/// The address of the form that changes the email address.
fn to_change() -> String {
    format!("{}#{}", addresses::PREFERENCES_ACCOUNT, PreferencesForm::Email.as_str())
}

/// The notice. The page contains it twice, in the list and beside it, and the style shows one of them by the width of
/// the screen.
#[component]
pub fn Unproved(
    /// Where this copy is: its CSS class, and the start of its ids.
    place: &'static str,
) -> impl IntoView {
    let own = &use_texts().unproved;
    let (heading, look, content) = match use_account()?.reach {
        MailReach::Proved => return None,
        MailReach::Claimed(email) => (own.heading(), "accent", view! { <Claimed email/> }.into_any()),
        MailReach::Nowhere => {
            let content = view! {
                <p>{own.nowhere_text()}</p>
                <a href=to_change() rel="external" class="button button--primary button--wide">{own.give()}</a>
            };
            (own.nowhere(), "warning", content.into_any())
        }
    };
    let heading_id = format!("{place}-heading");
    let labelled_by = heading_id.clone();
    Some(
        view! {
            <section class=format!("card card--{look} {place}") aria-labelledby=labelled_by>
                <h2 id=heading_id class="card__heading">{heading}</h2>
                {content}
            </section>
        }
        .into_any(),
    )
}

#[component]
fn Claimed(
    /// The address that waits for confirmation.
    email: String,
) -> impl IntoView {
    let own = &use_texts().unproved;
    let (before, after) = own.text();
    let request = FormRequest::to::<ChangeEmail>();
    let problem = Memo::new(move |_| request.problem());
    let waiting = RwSignal::new(false);
    view! {
        <p>{before} <b>{email.clone()}</b> {after}</p>
        <Form request>
            // "Change" to the address that is already claimed: the server then sends the mail again.
            <input type="hidden" name="email" value=email/>
            <FormProblem problem fields=&[] waiting/>
            <div class="button-row">
                <Submit busy=Signal::derive(move || request.pending.get() || waiting.get()) class="button">{own.again()}</Submit>
                <a href=to_change() rel="external" class="button">{own.change()}</a>
            </div>
        </Form>
    }
}
