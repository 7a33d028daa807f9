//! The structure of the repository: modules import only from lower floors and form no cycles, and facts that are
//! written down twice agree.
//!
//! `source` reads a file, `tree` finds the arrows between files, `floors` and `cycles` have the rules for them. `facts`
//! has the rules that need no arrows.

use std::{
    fs,
    path::{Path, PathBuf},
};

mod cycles;
mod facts;
mod floors;
mod source;
mod tree;

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

/// The module path of a source file.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).filter(|part| *part != "mod").collect();
    if parts == ["lib"] { String::new() } else { parts.join("::") }
}

/// The library. `main.rs` is a crate of its own, which only starts it.
fn crate_tree() -> tree::Tree {
    let files = rust_files(&root().join("src")).into_iter().filter(|file| !file.ends_with("src/main.rs"));
    let files: Vec<_> = files.map(|file| (module_of(&file), fs::read_to_string(file).unwrap())).collect();
    tree::Tree::read(files.iter().map(|(module, text)| (module.as_str(), text.as_str())))
}
