//! The input for a room's code, on every form that joins a room by its code.

use leptos::{html, prelude::*};

use crate::ui::dynamic::dynamic;

use crate::{protocol::RoomCode, ui::texts::use_texts};

/// The input for a room's code. A link or a whole invitation may be pasted into it, and the code in it is extracted.
#[component]
pub fn CodeEntry(
    /// The initial value.
    value: String,
    /// The error to show below the input, if there is one.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let find_code = move |_| {
        if let Some(input) = input.get_untracked()
            && let Some(code) = pasted_code(&input.value())
        {
            input.set_value(&code.spaced());
        }
    };

    view! {
        <div class="field">
            <label class="field__label" for="code">{use_texts().join.code()}</label>
            <input
                id="code"
                name="code"
                class="field__input field__input--code"
                type="text"
                value=value
                // Long enough for a pasted invitation.
                maxlength="1000"
                autocomplete="off"
                autocapitalize="characters"
                spellcheck="false"
                inputmode="text"
                enterkeyhint="go"
                required
                placeholder="K7M 2QX"
                autofocus=error.with_untracked(Option::is_some)
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=move || error.with(Option::is_some).then_some("code-error")
                node_ref=input
                on:input=find_code
            />
            <p class="field__error" id="code-error" role="alert">{dynamic(move || error.get())}</p>
        </div>
    }
}

/// Finds the code in a pasted text that contains more than the code. A text of letters, digits, blanks and hyphens
/// counts as typed and is not changed, because replacing it would disturb the typist.
fn pasted_code(text: &str) -> Option<RoomCode> {
    let is_typed = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-'));
    text.parse().ok().filter(|_| !is_typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_with_something_around_it_gives_its_code() {
        let code = "K7M2QX".parse().ok();
        for text in
            ["https://chat.example/rooms/K7M2QX", "“K7M2QX”", "\u{200B}K7M2QX", "Come: chat.example/rooms/k7m2qx!"]
        {
            assert_eq!(pasted_code(text), code, "{text}");
        }
    }

    #[test]
    fn what_is_typed_or_is_no_code_is_left_alone() {
        for text in ["K7M 2QX", "k7m-2qx", "https://chat.example/rooms/new", "/rooms/", "https://chat.example/"] {
            assert_eq!(pasted_code(text), None, "{text}");
        }
    }
}
