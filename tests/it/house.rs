//! The structure of the repository: modules import only from lower floors, and facts that are written down twice agree.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anonchat::{protocol::Language, server::config::Config};
use clap::CommandFactory;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The floor of a module path such as `server::room::engine`.
fn floor(module: &str) -> Option<u8> {
    const FLOORS: [(&str, u8); 19] = [
        ("protocol", 0),
        ("server::config", 1),
        ("server::clock", 1),
        ("server::disk", 1),
        ("server::keys", 1),
        ("server::random", 1),
        ("server::socket", 1),
        ("server::store", 1),
        ("server::bus", 1),
        ("server::mail", 1),
        ("server::text", 1),
        ("server::room", 2),
        ("server::app", 3),
        ("server::domain", 4),
        ("server::http", 5),
        ("api", 5),
        ("server::admin", 6),
        ("server::boot", 6),
        ("ui", 6),
    ];
    FLOORS.iter().find(|(name, _)| module == *name || module.starts_with(&format!("{name}::"))).map(|(_, floor)| *floor)
}

/// The module path of a source file.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).filter(|part| *part != "mod").collect();
    parts.join("::")
}

/// All paths inside the crate that a source text names. `super` and the braces of `use` are expanded.
fn crate_paths(text: &str, module: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    let mut collect = |start: &str, rest: &str| expand(start, rest, &mut paths);
    for (at, _) in code.match_indices("crate::") {
        collect("", &code[at + "crate::".len()..]);
    }
    for (at, _) in code.match_indices("use super::") {
        let mut above: Vec<&str> = module.split("::").collect();
        let mut rest = &code[at + "use ".len()..];
        while let Some(further) = rest.strip_prefix("super::") {
            above.pop();
            rest = further;
        }
        collect(&above.join("::"), rest);
    }
    paths
}

fn expand(start: &str, rest: &str, paths: &mut Vec<String>) {
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let path = if start.is_empty() { word.clone() } else { format!("{start}::{word}") };
    let after = &rest[word.len()..];
    if let Some(group) = rest.trim_start().strip_prefix('{') {
        let mut depth = 0;
        let mut item = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(start, item.trim(), paths);
                    item.clear();
                    continue;
                }
                _ => {}
            }
            item.push(c);
        }
        expand(start, item.trim(), paths);
    } else if let Some(further) = after.strip_prefix("::") {
        if word.is_empty() {
            return;
        }
        expand(&path, further, paths);
    } else if !word.is_empty() {
        paths.push(path);
    }
}

/// The imports of one file from a higher floor, each as a sentence.
fn upward_arrows(file: &Path, text: &str) -> Vec<String> {
    let module = module_of(file);
    let Some(own) = floor(&module) else { return Vec::new() };
    let mut found = Vec::new();
    // `api` may name `server`, because bodies of server functions exist on the server only. The wasm build proves that
    // no other code of `api` does.
    for path in crate_paths(text, &module) {
        let Some(other) = floor(&path) else { continue };
        let of_ui = module == "ui" || module.starts_with("ui::");
        if other > own || (of_ui && path.starts_with("server")) {
            found.push(format!("{} ({own}) imports {path} ({other})", file.display()));
        }
    }
    found
}

#[test]
fn no_arrow_runs_up_the_house() {
    let arrows: Vec<String> = rust_files(&root().join("src"))
        .iter()
        .flat_map(|file| upward_arrows(file, &fs::read_to_string(file).unwrap()))
        .collect();
    assert_eq!(arrows, Vec::<String>::new());
}

#[test]
fn an_arrow_that_runs_up_would_be_found() {
    let file = root().join("src/server/store/rooms.rs");
    for text in [
        "use crate::server::domain::rooms;",
        "use crate::{protocol::Seq, server::{app::App, store::RoomId}};",
        "use super::super::room::Engine;",
        "fn f() { crate::ui::App }",
    ] {
        assert_eq!(upward_arrows(&file, text).len(), 1, "{text}");
    }
    assert_eq!(upward_arrows(&file, "use crate::protocol::Seq; // crate::ui::App").len(), 0);
    let page = root().join("src/ui/pages/home.rs");
    assert_eq!(upward_arrows(&page, "use crate::server::store::RoomId;").len(), 1);
}

#[test]
fn every_module_stands_on_a_floor() {
    for file in rust_files(&root().join("src")) {
        let module = module_of(&file);
        assert!(
            matches!(module.as_str(), "lib" | "main" | "server") || floor(&module).is_some(),
            "{} stands on no floor",
            file.display()
        );
    }
}

/// Text from a request is checked by the strict rule of `server::text`. `TryFrom` of these types has no tables of
/// Unicode and is weaker.
#[test]
fn what_comes_in_is_read_by_the_strict_rule() {
    for folder in ["src/api", "src/server/domain", "src/server/http"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for name in ["Nickname", "RoomName", "MessageBody"] {
                assert!(!code.contains(&format!("{name}::try_from")), "{} reads a {name} leniently", file.display());
            }
        }
    }
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
