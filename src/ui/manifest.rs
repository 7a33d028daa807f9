//! The web app manifest, which browsers read to install the application.

use serde_json::{Value, json};

use crate::{
    protocol::{Language, Theme, addresses},
    visit::Appearance,
};

use super::texts;

/// The colour of the page's background in each theme, for what the browser itself draws around a page and before it.
pub const GROUNDS: [(&str, &str); 2] = [("light", "#ffffff"), ("dark", "#16181d")];

const MANIFEST: &str = include_str!("../../manifest.json");

/// The manifest in this language, as the body of `application/manifest+json`. A system shows the background colour
/// while it starts the app. A manifest has only one, so only a reader who has chosen the dark theme gets a dark one.
pub fn manifest(language: Language, theme: Theme) -> String {
    let document = &texts::of(language).document;
    let mut manifest: Value = serde_json::from_str(MANIFEST).expect("a browser test reads the file");
    manifest["lang"] = json!(language.as_str());
    manifest["description"] = json!(document.description());
    let shortcuts = [
        (document.new_room_shortcut(), document.new_room_shortcut_text()),
        (document.join_shortcut(), document.join_shortcut_text()),
    ];
    for (at, (name, description)) in shortcuts.into_iter().enumerate() {
        manifest["shortcuts"][at]["name"] = json!(name);
        manifest["shortcuts"][at]["description"] = json!(description);
    }
    for (at, label) in [document.phone_picture(), document.desktop_picture()].into_iter().enumerate() {
        manifest["screenshots"][at]["label"] = json!(label);
    }
    if theme == Theme::Dark {
        let [_, (_, dark)] = GROUNDS;
        manifest["background_color"] = json!(dark);
    }
    manifest.to_string()
}

/// The address of the manifest for this language and theme. Browsers request it without cookies, so the address
/// contains both.
pub fn address(Appearance { language, theme, .. }: Appearance) -> String {
    let language = (language != Language::default()).then(|| format!("lang={}", language.as_str()));
    let theme = (theme == Theme::Dark).then(|| format!("theme={}", theme.as_str()));
    let query = language.into_iter().chain(theme).collect::<Vec<_>>().join("&");
    if query.is_empty() { addresses::MANIFEST.to_owned() } else { format!("{}?{query}", addresses::MANIFEST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_english_it_is_the_file() {
        let file: Value = serde_json::from_str(MANIFEST).unwrap();
        let parsed = |language, theme| serde_json::from_str::<Value>(&manifest(language, theme)).unwrap();
        for theme in [Theme::System, Theme::Light] {
            assert_eq!(parsed(Language::English, theme), file);
        }
        let german = parsed(Language::German, Theme::System);
        assert_eq!(german["shortcuts"][0]["name"], "Neuer Raum");
        for list in ["shortcuts", "screenshots"] {
            let (own, other) = (german[list].as_array().unwrap(), file[list].as_array().unwrap());
            let is_translated = |(own, other): (&Value, &Value)| {
                ["name", "description", "label"].iter().all(|text| own[*text].is_null() || own[*text] != other[*text])
            };
            assert!(own.len() == other.len() && own.iter().zip(other).all(is_translated), "{german}");
        }
        assert_eq!(file["start_url"], addresses::OPEN);
        assert_eq!(file["share_target"]["action"], addresses::SHARE);
        assert_eq!(file["shortcuts"][0]["url"], addresses::NEW_ROOM);
        assert_eq!(file["shortcuts"][1]["url"], addresses::HOME);
    }

    #[test]
    fn only_a_chosen_dark_theme_begins_dark() {
        let ground = |theme| serde_json::from_str::<Value>(&manifest(Language::English, theme)).unwrap();
        assert_eq!(ground(Theme::Dark)["background_color"], "#16181d");
        let look = |language, theme| address(Appearance { language, theme, ..Appearance::default() });
        assert_eq!(look(Language::English, Theme::System), "/manifest.json");
        assert_eq!(look(Language::English, Theme::Dark), "/manifest.json?theme=dark");
        assert_eq!(look(Language::German, Theme::Dark), "/manifest.json?lang=de&theme=dark");
    }
}
