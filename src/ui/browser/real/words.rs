//! What the browser knows of Unicode and languages, whose tables would otherwise come with the wasm.

use std::cmp::Ordering;

use js_sys::{Array, Function, Intl::Collator, JsString, Object, Reflect, RegExp, global};
use wasm_bindgen::{JsCast, JsValue};

use crate::ui::browser::sorted_by;

/// What shows nothing: blanks, controls, format characters, marks without a letter, fillers.
const NOTHING: &str = r"^[\s\p{Cc}\p{Cf}\p{M}\p{DI}\u2800\uFFFC\u{1D159}]*$";
/// Accents of Latin, Greek and Cyrillic letters that stand apart from them.
const ACCENTS: &str = "[\\u0300-\\u036f]";

/// Whether a reader sees nothing of a text. The server decides, by the same properties.
pub fn is_blank(text: &str) -> bool {
    RegExp::new(NOTHING, "u").test(text)
}

/// A text without what does not matter to who looks for it: case, width, and the form of its accents. This, and what
/// is below but for [`by_language`], may be called during the first render: the server goes by the same rules of Unicode.
pub fn folded(text: &str) -> String {
    decomposed(text).normalize("NFKC").into()
}

/// The same without accents.
pub fn without_accents(text: &str) -> String {
    decomposed(text).replace_by_pattern(&RegExp::new(ACCENTS, "g"), "").normalize("NFKC").into()
}

fn decomposed(text: &str) -> JsString {
    JsString::from(text).normalize("NFKD").to_lower_case()
}

/// The first letter or picture of a text, whole as it is seen.
pub fn first_letter(text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    // Nothing joins two characters of ASCII.
    if text.chars().take(2).all(|c| c.is_ascii()) {
        return first;
    }
    first_segment(text).unwrap_or(first)
}

/// By `Intl.Segmenter`, which js-sys does not know and some older browsers do not have.
fn first_segment(text: &str) -> Option<String> {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let call =
        |of: &JsValue, name: &str, with: &JsValue| get(of, name)?.dyn_into::<Function>().ok()?.call1(of, with).ok();
    let kind = get(&get(&global(), "Intl")?, "Segmenter")?.dyn_into::<Function>().ok()?;
    let segmenter = Reflect::construct(&kind, &Array::new()).ok()?;
    let segments = call(&segmenter, "segment", &JsValue::from_str(text))?;
    get(&call(&segments, "containing", &JsValue::from(0))?, "segment")?.as_string()
}

/// Sorts by name as the page's language does, numbers by their value. Equal names stay as they were.
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
