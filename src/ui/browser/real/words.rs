//! Unicode and language functions of the browser. Using the browser's tables keeps them out of the wasm, which has a
//! limit on its size.

use std::cmp::Ordering;

use js_sys::{Array, Function, Intl::Collator, JsString, Object, Reflect, RegExp, global};
use wasm_bindgen::{JsCast, JsValue};

use crate::ui::browser::sorted_by;

/// Matches a text in which nothing is visible: blanks, controls, format characters, marks without a letter, fillers.
const NOTHING: &str = r"^[\s\p{Cc}\p{Cf}\p{M}\p{DI}\u2800\uFFFC\u{1D159}]*$";
/// Combining accents of Latin, Greek and Cyrillic letters, after decomposition.
const ACCENTS: &str = "[\\u0300-\\u036f]";

/// Whether nothing of a text is visible. The server decides by the same Unicode properties whether a message is empty.
pub fn is_blank(text: &str) -> bool {
    RegExp::new(NOTHING, "u").test(text)
}

/// Folds a text for searching: case, width, and composed or decomposed accents make no difference.
///
/// All functions below except [`by_language`] may be called during the first render, as the server follows the same
/// Unicode rules.
pub fn folded(text: &str) -> String {
    decomposed(text).normalize("NFKC").into()
}

/// Folds a text for searching like [`folded`], and removes accents.
pub fn without_accents(text: &str) -> String {
    decomposed(text).replace_by_pattern(&RegExp::new(ACCENTS, "g"), "").normalize("NFKC").into()
}

fn decomposed(text: &str) -> JsString {
    JsString::from(text).normalize("NFKD").to_lower_case()
}

/// The first character of a text as a reader sees it: a letter with its accents, or a whole emoji.
pub fn first_letter(text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    // ASCII characters never combine with each other, so the first one stands alone.
    if text.chars().take(2).all(|c| c.is_ascii()) {
        return first;
    }
    first_segment(text).unwrap_or(first)
}

/// The first grapheme by `Intl.Segmenter`. js-sys has no binding for it, and some older browsers do not have it.
fn first_segment(text: &str) -> Option<String> {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let call =
        |of: &JsValue, name: &str, with: &JsValue| get(of, name)?.dyn_into::<Function>().ok()?.call1(of, with).ok();
    let kind = get(&get(&global(), "Intl")?, "Segmenter")?.dyn_into::<Function>().ok()?;
    let segmenter = Reflect::construct(&kind, &Array::new()).ok()?;
    let segments = call(&segmenter, "segment", &JsValue::from_str(text))?;
    get(&call(&segments, "containing", &JsValue::from(0))?, "segment")?.as_string()
}

/// Sorts by name in the order of the page's language, with numbers by value. Equal names keep their order.
pub fn by_language<T>(all: Vec<T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    let language = leptos::prelude::document().document_element().and_then(|root| root.get_attribute("lang"));
    let options = Object::new();
    let _ = Reflect::set(&options, &JsValue::from_str("numeric"), &JsValue::TRUE);
    let collator =
        Collator::new(&language.iter().map(|language| JsValue::from_str(language)).collect::<Array>(), &options);
    let compare = collator.compare();
    let order = |one: &JsString, other: &JsString| {
        let order = compare.call2(&JsValue::NULL, one, other).ok().and_then(|order| order.as_f64());
        order.and_then(|order| order.partial_cmp(&0.0)).unwrap_or(Ordering::Equal)
    };
    sorted_by(all, |item| JsString::from(name(item)), order)
}
