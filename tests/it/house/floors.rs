//! The floors of the modules, and what may be imported from where.

use std::{collections::BTreeMap, fs};

use super::{
    root, rust_files,
    tree::{Arrow, Tree},
};

/// Each module that has a floor.
pub const FLOORS: [(&str, u8); 22] = [
    ("protocol", 0),
    ("visit", 0),
    ("server::bus", 1),
    ("server::clock", 1),
    ("server::config", 1),
    ("server::disk", 1),
    ("server::keys", 1),
    ("server::mail", 1),
    ("server::metrics", 1),
    ("server::random", 1),
    ("server::socket", 1),
    ("server::store", 1),
    ("server::text", 1),
    ("server::token", 1),
    ("server::room", 2),
    ("server::app", 3),
    ("server::domain", 4),
    ("server::http", 5),
    ("api", 5),
    ("server::admin", 6),
    ("server::boot", 6),
    ("ui", 6),
];

/// The modules that `ui` may import from.
const OPEN_TO_UI: [&str; 4] = ["protocol", "visit", "api", "ui"];

/// The pure half of a live page, and the modules that it may import from.
const MODEL: &str = "ui::live::model";
const OPEN_TO_MODEL: [&str; 3] = ["protocol", "ui::timeline", MODEL];

/// The modules that only list others.
const LISTS: [&str; 2] = ["", "server"];

/// Whether `module` is `above` or a module inside it.
pub fn is_inside(module: &str, above: &str) -> bool {
    module.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The module with a floor that a module path such as `server::room::engine` belongs to, and its floor.
pub fn floor(module: &str) -> Option<(&'static str, u8)> {
    FLOORS.into_iter().find(|(name, _)| is_inside(module, name))
}

/// The imports from a higher floor, and those of `ui` from a module that is closed to it: one sentence for each two
/// files.
///
/// `api` may name `server`, because bodies of server functions exist on the server only. The wasm build proves that no
/// other code of `api` does.
fn forbidden(tree: &Tree) -> Vec<String> {
    let mut found = BTreeMap::new();
    for Arrow { from, to, through, path, .. } in tree.arrows() {
        let Some((_, own)) = floor(&from) else { continue };
        for end in through.into_iter().chain([to]) {
            let reason = if is_inside(&from, "ui") && !OPEN_TO_UI.iter().any(|open| is_inside(&end, open)) {
                format!("ui imports only from {}", OPEN_TO_UI.join(", "))
            } else if is_inside(&from, MODEL) && !OPEN_TO_MODEL.iter().any(|open| is_inside(&end, open)) {
                format!("the model imports only from {}", OPEN_TO_MODEL.join(", "))
            } else if let Some((_, other)) = floor(&end)
                && other > own
            {
                format!("floor {own} is below floor {other}")
            } else {
                continue;
            };
            let sentence = format!("{from} imports {path} from {end}, but {reason}");
            found.entry((from.clone(), end)).or_insert(sentence);
        }
    }
    found.into_values().collect()
}

/// The files without a floor, and the floors without a file.
fn unknown(tree: &Tree) -> Vec<String> {
    let homeless = tree.files().filter(|file| !LISTS.contains(file) && floor(file).is_none());
    let empty = FLOORS.iter().map(|(name, _)| *name).filter(|name| !tree.files().any(|file| file == *name));
    homeless
        .map(|file| format!("{file} stands on no floor"))
        .chain(empty.map(|name| format!("{name} has a floor, but is no module")))
        .collect()
}

#[test]
fn no_arrow_runs_up_the_house() {
    assert_eq!(forbidden(&super::crate_tree()), Vec::<String>::new());
}

#[test]
fn every_module_stands_on_a_floor_and_every_floor_is_a_module() {
    assert_eq!(unknown(&super::crate_tree()), Vec::<String>::new());
}

/// A crate with one file that has this text.
fn with(module: &str, text: &str) -> Tree {
    let rest = [
        ("", ""),
        ("server", ""),
        ("protocol", "struct Seq;"),
        ("server::store", "struct RoomId;"),
        ("server::room", "struct Engine;"),
        ("server::app", "struct App;"),
        ("server::domain", "pub use super::room::Engine; struct Rule;"),
        ("ui", "struct App;"),
    ];
    Tree::read(rest.into_iter().chain([(module, text)]))
}

#[test]
fn an_arrow_that_runs_up_would_be_found() {
    for text in [
        "use crate::server::domain::Rule;",
        "use crate::server::domain;",
        "use crate::{protocol::Seq, server::{app::App, store::RoomId}};",
        "use super::super::room::Engine;",
        "fn f() { crate::ui::App }",
        "fn f() { super::super::app::App::new(); }",
        "fn f() { m!(crate::ui::App) }",
    ] {
        assert_eq!(forbidden(&with("server::store::rooms", text)).len(), 1, "{text}");
    }
    for text in ["use crate::protocol::Seq; // crate::ui::App", "const TEXT: &str = \"crate::ui::App\";"] {
        assert_eq!(forbidden(&with("server::store::rooms", text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_way_over_a_higher_floor_would_be_found() {
    assert_eq!(forbidden(&with("server::app::parts", "use crate::server::domain::Engine;")).len(), 1);
    assert_eq!(forbidden(&with("server::app::parts", "use crate::server::room::Engine;")).len(), 0);
}

#[test]
fn a_page_that_imports_from_the_server_would_be_found() {
    for text in
        ["use crate::server::store::RoomId;", "fn f() { super::super::server::store::RoomId }", "use crate::server;"]
    {
        assert_eq!(forbidden(&with("ui::home", text)).len(), 1, "{text}");
    }
    assert_eq!(forbidden(&with("ui::home", "use crate::{protocol::Seq, ui::App};")), Vec::<String>::new());
}

/// Signals and the browser stand above the model, so that it can be tested natively.
#[test]
fn the_model_of_a_live_page_knows_neither_signals_nor_the_browser() {
    for file in rust_files(&root().join("src/ui/live/model")) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<String>();
        for name in ["leptos", "web_sys", "js_sys", "gloo"] {
            assert!(!code.contains(name), "{} names {name}", file.display());
        }
    }
    for text in ["use crate::ui::App;", "fn f() { crate::ui::App }"] {
        assert_eq!(forbidden(&with("ui::live::model", text)).len(), 1, "{text}");
    }
    assert_eq!(forbidden(&with("ui::live::model", "use crate::protocol::Seq;")), Vec::<String>::new());
}

#[test]
fn a_module_without_a_floor_and_a_floor_without_a_module_would_be_found() {
    let found = unknown(&with("server::stores::rooms", ""));
    assert!(found.contains(&"server::stores::rooms stands on no floor".to_owned()), "{found:?}");
    assert!(found.contains(&"server::bus has a floor, but is no module".to_owned()), "{found:?}");
    assert!(!found.iter().any(|line| line.starts_with("server::store ")), "{found:?}");
}
