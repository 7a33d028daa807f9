//! The code box.

use leptos::{html, prelude::*};

use crate::{protocol::RoomCode, ui::texts::use_texts};

/// The box for a room's code. A whole link may be pasted into it.
#[component]
pub fn CodeEntry(
    /// What it starts with.
    value: String,
    /// What is wrong with it.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let find_code = move |_| {
        if let Some(input) = input.get_untracked()
            && let Some(code) = code_of_link(&input.value())
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
                // A whole link fits.
                maxlength="256"
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
            <p class="field__error" id="code-error" role="alert">{move || error.get()}</p>
        </div>
    }
}

/// The code in a pasted link to a room.
fn code_of_link(text: &str) -> Option<RoomCode> {
    let (_, rest) = text.split_once("/rooms/")?;
    let end = rest.find(['?', '#', '/']).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_link_gives_its_code() {
        let code = "K7M2QX".parse().ok();
        for link in [
            "https://chat.example/rooms/K7M2QX",
            "chat.example/rooms/k7m2qx?x=1",
            " http://localhost:3000/rooms/K7M2QX/ ",
        ] {
            assert_eq!(code_of_link(link), code, "{link}");
        }
    }

    #[test]
    fn what_is_no_link_is_left_alone() {
        for text in ["K7M 2QX", "https://chat.example/rooms/new", "/rooms/", "https://chat.example/"] {
            assert_eq!(code_of_link(text), None, "{text}");
        }
    }
}
