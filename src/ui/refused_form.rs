//! What was typed into a form that the browser itself sent and the server refused. The page that the server rendered
//! again shows it.

use leptos::prelude::*;

use crate::protocol::RefusedForm;

/// What was typed into a refused form, until the reader goes to another page.
#[derive(Clone, Copy)]
struct Refused(StoredValue<RefusedForm>);

/// Provides what was typed into a refused form, if the browser itself sent it and the server rendered the page again.
pub fn provide_refused_form(refused_form: RefusedForm) {
    provide_context(Refused(StoredValue::new(refused_form)));
}

/// Returns what was typed into the refused form, or empty fields.
pub fn use_refused_form() -> RefusedForm {
    use_context().and_then(|Refused(form)| form.try_get_value()).unwrap_or_default()
}

/// Forgets what was typed, because the reader goes to another page.
pub fn forget_refused_form() {
    if let Some(Refused(form)) = use_context() {
        form.try_set_value(RefusedForm::default());
    }
}
