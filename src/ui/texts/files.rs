//! Reads the files of the languages. No browser code calls this, so the files are not in the wasm.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::protocol::Language;

use super::{
    TABLE, Texts, auth,
    fill::holes,
    plural::kinds,
    table::{Kind, Table},
};

/// The content of a language's file.
const fn file(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("en.json"),
        Language::German => include_str!("de.json"),
    }
}

/// The texts of a language. The files are read at the first call and kept.
pub fn of(language: Language) -> &'static Texts {
    static TEXTS: LazyLock<Vec<(Language, Texts)>> = LazyLock::new(|| read(Texts::read, 0));
    found(&TEXTS, language)
}

/// The texts of the account and preferences pages in a language.
pub fn of_auth(language: Language) -> &'static auth::Texts {
    static TEXTS: LazyLock<Vec<(Language, auth::Texts)>> = LazyLock::new(|| read(auth::Texts::read, 1));
    found(&TEXTS, language)
}

/// All tables. A language's file must contain exactly their entries.
const TABLES: [Table; 2] = [TABLE, auth::TABLE];

/// Reads one table in every language. `table` is its index in [`TABLES`].
fn read<T>(read: fn(Language, &'static str) -> T, table: usize) -> Vec<(Language, T)> {
    let texts = |language: &Language| {
        let mut lists = lists(*language, file(*language)).expect("a test reads every file");
        (*language, read(*language, std::mem::take(&mut lists[table]).leak()))
    };
    Language::ALL.iter().map(texts).collect()
}

fn found<T>(texts: &'static [(Language, T)], language: Language) -> &'static T {
    let (_, texts) = texts.iter().find(|(of, _)| *of == language).expect("all languages are in the list of them");
    texts
}

/// An entry of a file: one text, its plural forms by kind, or a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Text(String),
    Forms(BTreeMap<String, String>),
    List(Vec<String>),
}

/// Reads a file into one list for each table, in the format of [`TextList`](super::table::TextList). Returns an error
/// that names the entry if an entry is missing or unknown, or if the holes of a text are not the ones that the table
/// demands.
fn lists(language: Language, file: &str) -> Result<[String; TABLES.len()], String> {
    let mut groups: BTreeMap<String, BTreeMap<String, Entry>> =
        serde_json::from_str(file).map_err(|error| error.to_string())?;
    let mut lists = [const { String::new() }; TABLES.len()];
    for (table, list) in TABLES.iter().zip(&mut lists) {
        let mut lines = Vec::new();
        for (group, entries) in *table {
            let mut found = groups.remove(*group).ok_or_else(|| format!("{group} is missing"))?;
            for (name, kind) in *entries {
                let entry = found.remove(*name).ok_or_else(|| format!("{group}.{name} is missing"))?;
                let texts = texts(language, entry, *kind).map_err(|reason| format!("{group}.{name} {reason}"))?;
                lines.push(texts.join("\t"));
            }
            if let Some(name) = found.keys().next() {
                return Err(format!("{group}.{name} is in no table"));
            }
        }
        *list = lines.join("\n");
    }
    if let Some(group) = groups.keys().next() {
        return Err(format!("{group} is in no table"));
    }
    Ok(lists)
}

/// Checks one entry against its kind and returns its texts in their order. Plural forms are in the order of `kinds`.
fn texts(language: Language, entry: Entry, kind: Kind) -> Result<Vec<String>, String> {
    let texts = match (entry, kind) {
        (Entry::Text(text), Kind::Text(wanted)) => {
            has_holes(&text, wanted)?;
            vec![text]
        }
        (Entry::List(texts), Kind::List(length)) if texts.len() == length => {
            texts.iter().try_for_each(|text| has_holes(text, &[]))?;
            texts
        }
        (Entry::Forms(mut forms), Kind::Forms { number, holes: wanted }) => {
            let mut texts = Vec::new();
            for kind in kinds(language) {
                let text = forms.remove(*kind).ok_or_else(|| format!("has no form “{kind}”"))?;
                let shown = number.filter(|number| *kind == "other" || holes(&text).contains(number));
                has_holes(&text, &[wanted, shown.as_slice()].concat())?;
                texts.push(text);
            }
            if let Some(kind) = forms.keys().next() {
                return Err(format!("has a form “{kind}”, which the language has not"));
            }
            texts
        }
        _ => return Err(format!("is not {kind:?}")),
    };
    if texts.iter().any(|text| text.trim().is_empty() || text.contains(['\n', '\t'])) {
        return Err("is empty, or has a tab or more than one line".to_owned());
    }
    Ok(texts)
}

/// Checks that a text has each wanted hole exactly once, and no other braces.
fn has_holes(text: &str, wanted: &[&str]) -> Result<(), String> {
    let (mut found, mut wanted) = (holes(text), wanted.to_vec());
    found.sort_unstable();
    wanted.sort_unstable();
    if found == wanted && text.matches(['{', '}']).count() == 2 * wanted.len() {
        Ok(())
    } else {
        Err(format!("has the holes {found:?}, and not {wanted:?}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn english() -> Value {
        serde_json::from_str(file(Language::English)).unwrap()
    }

    /// Returns the error for the English file after this change.
    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut file = english();
        change(&mut file);
        lists(Language::English, &file.to_string()).unwrap_err()
    }

    #[test]
    fn every_language_has_each_entry_with_its_holes_and_nothing_else() {
        for language in Language::ALL {
            lists(*language, file(*language)).unwrap_or_else(|reason| panic!("{}.json: {reason}", language.as_str()));
        }
    }

    #[test]
    fn a_file_that_misses_something_or_has_too_much_is_refused_by_name() {
        assert_eq!(refusal(|file| _ = file["home"].as_object_mut().unwrap().remove("lead")), "home.lead is missing");
        assert_eq!(refusal(|file| file["home"]["more"] = json!("More")), "home.more is in no table");
        assert_eq!(refusal(|file| file["more"] = json!({})), "more is in no table");
        assert_eq!(
            refusal(|file| file["common"]["room"] = json!("Room {kode}")),
            r#"common.room has the holes ["kode"], and not ["code"]"#
        );
        assert_eq!(
            refusal(|file| file["home"]["lead"] = json!(" ")),
            "home.lead is empty, or has a tab or more than one line"
        );
        assert_eq!(
            refusal(|file| file["header"]["members"] = json!({"other": "{count} members"})),
            "header.members has no form “one”"
        );
        assert_eq!(
            refusal(|file| file["header"]["members"]["few"] = json!("{count} members")),
            "header.members has a form “few”, which the language has not"
        );
        assert!(refusal(|file| file["times"]["months"] = json!(["January"])).starts_with("times.months is not"));
    }

    #[test]
    fn no_text_was_left_in_english() {
        let german = lists(Language::German, file(Language::German)).unwrap().join("\n");
        let english = lists(Language::English, file(Language::English)).unwrap().join("\n");
        // Texts that may be the same in both languages: symbols, times of day, and the words "online", "Spoiler",
        // "Code", "Auto", "Name" and "Offline".
        let same: Vec<&str> =
            german.lines().zip(english.lines()).filter(|(de, en)| de == en).map(|(de, _)| de).collect();
        assert_eq!(
            same,
            [
                "online",
                "in {seconds} s",
                "Spoiler",
                "{time} AM",
                "{time} PM",
                "{name}: {text}",
                "{name} in {room}: {text}",
                "Code",
                "Auto\t2:05 PM\t14:05",
                "Auto",
                "Name",
                "Offline"
            ]
        );
    }
}
