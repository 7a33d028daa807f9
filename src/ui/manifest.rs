//! The web app manifest, which browsers read to install the application.

use serde_json::{Value, json};

use crate::protocol::{Language, addresses};

use super::texts;

const MANIFEST: &str = include_str!("../../manifest.json");

/// The manifest in this language, as the body of `application/manifest+json`.
pub fn manifest(language: Language) -> String {
    let document = &texts::of(language).document;
    let mut manifest: Value = serde_json::from_str(MANIFEST).expect("a browser test reads the file");
    manifest["lang"] = json!(language.as_str());
    manifest["description"] = json!(document.description());
    manifest["shortcuts"][0]["name"] = json!(document.shortcut());
    manifest["shortcuts"][0]["description"] = json!(document.shortcut_text());
    manifest.to_string()
}

/// The address of the manifest in this language. Browsers request it without cookies, so the address contains the
/// language.
pub fn address(language: Language) -> String {
    if language == Language::default() {
        addresses::MANIFEST.to_owned()
    } else {
        format!("{}?lang={}", addresses::MANIFEST, language.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_english_it_is_the_file() {
        let file: Value = serde_json::from_str(MANIFEST).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&manifest(Language::English)).unwrap(), file);
        assert!(manifest(Language::German).contains("Neuer Raum"));
        assert_eq!(file["start_url"], addresses::HOME);
        assert_eq!(file["shortcuts"][0]["url"], addresses::NEW_ROOM);
    }
}
