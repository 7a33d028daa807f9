//! Rules that hold for the text of files, and facts that are written down twice and must agree.

use std::{collections::BTreeMap, fs, path::Path};

use anonchat::{protocol::Language, server::config::Config};
use clap::CommandFactory;

use super::{root, rust_files};

/// Text from a request is checked by the strict rule of `server::text`. `TryFrom` of these types has no tables of
/// Unicode and is weaker.
#[test]
fn what_comes_in_is_read_by_the_strict_rule() {
    for folder in ["src/api", "src/server/domain", "src/server/http"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let folder = fs::read_to_string(file.with_file_name("mod.rs")).unwrap_or_default();
            let name = file.file_stem().unwrap().to_str().unwrap();
            if folder.contains(&format!("#[cfg(test)]\nmod {name};")) {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap();
            for name in ["Nickname", "RoomName", "MessageBody"] {
                assert!(!code.contains(&format!("{name}::try_from")), "{} reads a {name} leniently", file.display());
            }
        }
    }
}

/// A literal of a page's address elsewhere would not follow when the address changes.
#[test]
fn addresses_of_pages_are_written_in_one_file() {
    let names_a_page = |line: &str| {
        let words = ["rooms", "dashboard", "auth", "preferences"];
        words.iter().any(|word| line.contains(&format!("\"/{word}")) || line.contains(&format!("}}/{word}")))
    };
    let mut found = Vec::new();
    for file in rust_files(&root().join("src")).iter().filter(|file| !file.ends_with("protocol/addresses.rs")) {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        let lines = lines.filter(|(_, line)| names_a_page(line));
        found.extend(lines.map(|(n, _)| format!("{}:{}", file.display(), n + 1)));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn features_are_gated_in_lib_and_in_the_browser_module_only() {
    for file in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let inside = file.strip_prefix(root().join("src")).unwrap();
        if inside != Path::new("lib.rs") && !inside.starts_with("ui/browser") && !inside.ends_with("ui/browser.rs") {
            assert!(!text.contains("cfg(feature"), "{} gates a feature", file.display());
            assert!(!text.contains("cfg(not(feature"), "{} gates a feature", file.display());
        }
    }
}

/// rustfmt keeps code within 120 columns, but does not wrap comments.
#[test]
fn no_comment_is_wider_than_the_code() {
    let mut wide = Vec::new();
    for folder in ["src", "tests", "bench/src"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let lines = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//"));
            let lines = lines.filter(|(_, line)| line.chars().count() > 120);
            wide.extend(lines.map(|(n, _)| format!("{}:{}", file.display(), n + 1)));
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn the_example_environment_lists_every_setting_with_its_default() {
    let text = fs::read_to_string(root().join(".env.example")).unwrap();
    let written: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# ").unwrap_or(line).split_once('='))
        .filter(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    let command = Config::command();
    let settings: BTreeMap<String, String> = command
        .get_arguments()
        .filter_map(|argument| {
            let name = argument.get_env()?.to_str()?.to_owned();
            let default = argument.get_default_values().first().and_then(|value| value.to_str()).unwrap_or("");
            Some((name, default.to_owned()))
        })
        .collect();
    let names = |map: Vec<&str>| map.into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(written.keys().copied().collect()), names(settings.keys().map(String::as_str).collect()));
    for (name, default) in &settings {
        if !default.is_empty() {
            assert_eq!(written[name.as_str()], default, "{name}");
        }
    }
}

#[test]
fn the_offline_page_speaks_every_language() {
    let page = fs::read_to_string(root().join("public/offline.html")).unwrap();
    for language in Language::ALL {
        assert!(page.contains(&format!("lang=\"{}\"", language.as_str())), "{language:?} is missing");
    }
}

#[test]
fn leptos_toml_says_what_cargo_toml_says() {
    let section = |file: &str| {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let table: toml::Table = text.parse().unwrap();
        table["package"]["metadata"]["leptos"].as_table().unwrap().clone()
    };
    let (cargo, mut leptos) = (section("Cargo.toml"), section("Leptos.toml"));
    // `cargo-leptos` and the running server know the file of hashes by different keys.
    assert_eq!(leptos.remove("hash-file"), cargo.get("hash-file-name").cloned());
    for (key, value) in &leptos {
        assert_eq!(Some(value), cargo.get(key), "{key}");
    }
    for key in ["output-name", "site-root", "site-pkg-dir", "site-addr", "hash-files", "hash-file-name"] {
        assert!(leptos.contains_key(key), "{key} is missing in Leptos.toml");
    }
}
