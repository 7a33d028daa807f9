//! Parts that several account forms share: a labelled field, the refusal of a form, the password meter, the hidden
//! fields, and links between the pages.

use std::{collections::BTreeMap, fmt::Write as _};

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    protocol::{PasswordHint, Problem, addresses},
    ui::texts::{account_problem, use_auth_texts},
    visit::AuthVisit,
};

/// Returns why the form of this server function was refused, or `None` if `refused` names another form or nothing.
pub fn refusal<F: ServerFn>(refused: Option<&(String, Problem)>) -> Option<Problem> {
    refused.filter(|(path, _)| path == F::PATH).map(|(_, problem)| problem.clone())
}

/// The error text of the field called `name`, or `None` if the problem is about something else.
fn error_of(problem: Option<Problem>, name: &str) -> Option<String> {
    problem.filter(|problem| problem.field.as_deref() == Some(name)).map(|problem| account_problem(&problem))
}

/// Shows a refusal that is about none of the fields listed in `fields`.
#[component]
pub fn Refused(
    /// The refusal of the form.
    problem: Option<Problem>,
    /// The names of the fields that show their own errors. A refusal about one of them is not shown here.
    fields: &'static [&'static str],
) -> impl IntoView {
    let elsewhere = |problem: &Problem| problem.field.as_deref().is_none_or(|field| !fields.contains(&field));
    problem
        .filter(elsewhere)
        .map(|problem| view! { <p class="form-problem" role="alert" tabindex="-1" autofocus>{account_problem(&problem)}</p> })
}

/// A labelled input, with its hint or its error below it.
#[component]
pub fn AuthField(
    /// The name of the input in the form. Also its id, if `form` is not given.
    name: &'static str,
    /// The name of the form, on a page with several forms. The input's id is then `{form}-{name}`, so that ids stay
    /// unique.
    #[prop(optional)]
    form: Option<&'static str>,
    label: &'static str,
    /// The `type` attribute of the input.
    kind: &'static str,
    /// The `autocomplete` attribute, by which browsers and password managers choose what to fill in.
    autocomplete: &'static str,
    /// The initial value.
    #[prop(optional, into)]
    value: String,
    /// The refusal of the form, if it was refused. The field shows it only if the refusal is about this field.
    problem: Option<Problem>,
    /// A sentence below the input.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Whether the browser refuses to send the form while the input is empty.
    #[prop(default = true)]
    required: bool,
) -> impl IntoView {
    let error = error_of(problem, name);
    let is_password = kind == "password";
    let is_new = autocomplete == "new-password";
    let texts = use_auth_texts();
    let id = form.map_or_else(|| name.to_owned(), |form| format!("{form}-{name}"));
    let (error_id, hint_id) = (format!("{id}-error"), format!("{id}-hint"));
    let described_by = match (&error, &hint) {
        (Some(_), _) => Some(error_id.clone()),
        (None, Some(_)) => Some(hint_id.clone()),
        (None, None) => None,
    };
    view! {
        <div class="field">
            <label class="field__label" for=id.clone()>{label}</label>
            <div class="field__box">
            <input
                id=id
                name=name
                class=if name == "code" { "field__input field__input--code" } else { "field__input" }
                type=kind
                value=value
                autofocus=error.is_some() || name == "code"
                required=required
                autocomplete=autocomplete
                autocapitalize="off"
                spellcheck="false"
                inputmode=(name == "code").then_some("numeric")
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described_by
            />
            // Hidden here, because the button works only with scripts. `fields.js` shows it.
            {is_password.then(|| view! {
                <button type="button" class="icon-button field__eye" aria-pressed="false" aria-label=texts.show_password() title=texts.show_password() hidden>
                    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M2.5 12C5 7.5 8.3 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.8 6.5-9.5 6.5S5 16.5 2.5 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z"></path><path class="field__slash" d="M4 4l16 16"></path></svg>
                </button>
            })}
            </div>
            {is_new.then(|| view! { <Strength/> })}
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> })}
            {error.map(|error| view! { <p class="field__error" id=error_id role="alert">{error}</p> })}
        </div>
    }
}

/// The password meter, hidden until a password is typed and `meter.js` runs. The script reads the words and hints from
/// the `data-` attributes.
#[component]
fn Strength() -> impl IntoView {
    let texts = use_auth_texts();
    let hints: BTreeMap<PasswordHint, &str> =
        PasswordHint::ALL.iter().enumerate().map(|(at, hint)| (*hint, texts.password_hints(at))).collect();
    let hints = serde_json::to_string(&hints).unwrap_or_default();
    let words = serde_json::to_string(&[0, 1, 2].map(|at| texts.strengths(at))).unwrap_or_default();
    view! {
        <div class="strength" hidden>
            <meter class="strength__meter" min="0" max="4" low="2.5" high="3.5" optimum="4" value="0" aria-label=texts.strength()></meter>
            <p class="strength__text">
                <b class="strength__word" aria-live="polite" data-words=words></b> " "
                <span class="strength__advice" aria-live="polite" data-hints=hints></span>
            </p>
        </div>
    }
}

/// Hidden fields that carry `next` and `keep` through the form.
#[component]
pub fn Next(
    /// The path of this site to go to afterwards.
    next: String,
    /// The token from a mail that lets a guest keep a room. Empty if there is none.
    keep: String,
) -> impl IntoView {
    view! {
        <input type="hidden" name="keep" value=keep/>
        <input type="hidden" name="next" value=next/>
    }
}

/// Builds a link to another account page that carries the same `next` path and the same token as this page.
pub fn link(path: &str, visit: &AuthVisit) -> String {
    let next = (visit.next != addresses::HOME).then(|| format!("next={}", within_query(&visit.next)));
    // Tokens consist of these characters only. Anything else in the address is dropped and does not reach the link.
    let is_token = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let token = (!visit.token.is_empty() && is_token(&visit.token)).then(|| format!("token={}", visit.token));
    [next, token].into_iter().flatten().fold(path.to_owned(), |link, field| with_field(&link, &field))
}

/// Adds a field to the query of a link.
pub fn with_field(link: &str, field: &str) -> String {
    format!("{link}{}{field}", if link.contains('?') { '&' } else { '?' })
}

/// Percent-encodes a path as the value of a query field. The path contains visible ASCII characters only.
fn within_query(path: &str) -> String {
    let mut value = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b'?' | b'=' | b':' | b'@' => {
                value.push(char::from(byte));
            }
            _ => _ = write!(value, "%{byte:02X}"),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_carries_the_whole_of_where_to_go_on() {
        let visit = AuthVisit { next: "/rooms/X?a=1&b=2#c%20+d".to_owned(), ..AuthVisit::default() };
        assert_eq!(link("/auth/login", &visit), "/auth/login?next=/rooms/X?a=1%26b=2%23c%2520%2Bd");
        let plain = AuthVisit { next: "/rooms/K7M2QX".to_owned(), token: "a-_1".to_owned(), ..AuthVisit::default() };
        assert_eq!(link("/auth/login", &plain), "/auth/login?next=/rooms/K7M2QX&token=a-_1");
    }
}
