//! The modules of the crate, and the arrows between its files: which file names an item of which other file.
//!
//! A path is followed as the compiler does it, through `crate`, `self` and `super`, imports, re-exports and `…::*`. It
//! leads to the file that declares the item. If a macro declares it, the path leads to the deepest module that is
//! known. The `impl`s of one type may be in several files: a call of a method on `self` is an arrow to the file that
//! has the method. Other calls of methods are not followed, as they need types. An arrow to the type covers most of
//! them.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Mention, Method, Names, Source, join};

/// One file names an item of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    /// The file that declares the item.
    pub to: String,
    /// The files whose re-exports lead to the item.
    pub through: BTreeSet<String>,
    /// The path as the code has it.
    pub path: String,
    /// Whether only tests compile the code that names it.
    pub in_test: bool,
}

/// The modules of a crate.
pub struct Tree {
    files: BTreeSet<String>,
    modules: BTreeMap<String, Names>,
    mentions: Vec<Mention>,
    /// The files that declare a method in an `impl` of a type, by the type's path and the method's name.
    methods: BTreeMap<(String, String), BTreeSet<String>>,
    called: Vec<Method>,
}

enum Place {
    Module(String),
    /// An item in the module of this path.
    Item(String),
}

/// The state of following one path.
#[derive(Default)]
struct Walk {
    /// The modules whose imports were followed.
    through: BTreeSet<String>,
    /// What was looked up already. Imports may lead in a circle.
    seen: BTreeSet<(String, String)>,
}

impl Tree {
    /// The tree of these files, each a module path and a text. The root has the empty path.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut tree = Self {
            files: BTreeSet::new(),
            modules: BTreeMap::new(),
            mentions: Vec::new(),
            methods: BTreeMap::new(),
            called: Vec::new(),
        };
        let mut declared = Vec::new();
        for (module, text) in files {
            let source = Source::read(module, text);
            tree.files.insert(module.to_owned());
            tree.modules.extend(source.modules);
            tree.mentions.extend(source.mentions);
            tree.called.extend(source.called);
            declared.extend(source.declared);
        }
        for method in declared {
            if let Some(of) = tree.type_of(&method) {
                let file = tree.file_of(&method.module);
                tree.methods.entry((of, method.name)).or_default().insert(file);
            }
        }
        tree
    }

    /// The module paths of the files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// All arrows between files, without repetitions.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for mention in &self.mentions {
            let mut walk = Walk::default();
            let Some(place) = self.follow(&mention.module, &mention.path, &mut walk) else { continue };
            let end = match place {
                // A module is no value and no type: the name alone is that of a local variable.
                Place::Module(_) if mention.path.len() == 1 => continue,
                Place::Module(end) | Place::Item(end) => end,
            };
            let (from, to) = (self.file_of(&mention.module), self.file_of(&end));
            let through: BTreeSet<_> = walk.through.iter().map(|module| self.file_of(module)).collect();
            let through = through.into_iter().filter(|file| *file != from && *file != to).collect();
            if from != to {
                arrows.insert(Arrow { from, to, through, path: mention.path.join("::"), in_test: mention.in_test });
            }
        }
        for call in &self.called {
            let files = self.type_of(call).and_then(|of| self.methods.get(&(of, call.name.clone())));
            let from = self.file_of(&call.module);
            for to in files.into_iter().filter(|files| !files.contains(&from)).flatten() {
                arrows.insert(Arrow {
                    from: from.clone(),
                    to: to.clone(),
                    through: BTreeSet::new(),
                    path: format!("{}()", call.name),
                    in_test: call.in_test,
                });
            }
        }
        arrows
    }

    /// The path of the type of an `impl`.
    fn type_of(&self, method: &Method) -> Option<String> {
        match self.follow(&method.module, &method.of, &mut Walk::default())? {
            Place::Item(module) => Some(join(&module, method.of.last()?)),
            Place::Module(_) => None,
        }
    }

    fn file_of(&self, module: &str) -> String {
        let mut module = module;
        while !self.files.contains(module) {
            module = parent(module);
        }
        module.to_owned()
    }

    fn follow(&self, from: &str, path: &[String], walk: &mut Walk) -> Option<Place> {
        let mut steps = path;
        let mut at = from.to_owned();
        while let Some((first, rest)) = steps.split_first() {
            match first.as_str() {
                "crate" => at = String::new(),
                "super" => at.truncate(parent(&at).len()),
                "self" => {}
                _ => break,
            }
            steps = rest;
        }
        let is_bare = steps.len() == path.len();
        for (n, step) in steps.iter().enumerate() {
            match self.look_up(&at, step, walk) {
                Some(Place::Module(module)) => at = module,
                Some(item) => return Some(item),
                // A bare name that is not declared here is a local variable, or a name of another crate.
                None if is_bare && n == 0 => return None,
                None => return Some(Place::Item(at)),
            }
        }
        Some(Place::Module(at))
    }

    fn look_up(&self, module: &str, name: &str, walk: &mut Walk) -> Option<Place> {
        let child = join(module, name);
        if self.modules.contains_key(&child) {
            return Some(Place::Module(child));
        }
        let names = self.modules.get(module)?;
        if names.items.contains(name) {
            return Some(Place::Item(module.to_owned()));
        }
        if !walk.seen.insert((module.to_owned(), name.to_owned())) {
            return None;
        }
        let imports = names.imports.iter().filter(|(own, _)| own == name);
        let found = imports.map(|(_, path)| path).find_map(|path| self.follow(module, path, walk)).or_else(|| {
            names.globs.iter().find_map(|path| match self.follow(module, path, walk)? {
                Place::Module(other) => self.look_up(&other, name, walk),
                Place::Item(_) => None,
            })
        });
        if found.is_some() {
            walk.through.insert(module.to_owned());
        }
        found
    }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(above, _)| above)
}

/// The arrows of a tree of these files, each as "from to".
fn arrows_of(files: &[(&str, &str)]) -> Vec<String> {
    let arrows = Tree::read(files.iter().copied()).arrows();
    let found: BTreeSet<_> = arrows.iter().map(|arrow| format!("{} {}", arrow.from, arrow.to)).collect();
    found.into_iter().collect()
}

#[test]
fn every_way_to_name_an_item_of_another_file_is_an_arrow() {
    for text in [
        "use crate::a::b::X;",
        "use super::b::X;",
        "use super::{c::{self}, b::{X as Y}};",
        "use super::b::*;",
        "use super::b; fn f() { b::g(); }",
        "fn f() { super::b::g(); }",
        "fn f() { let x = crate::a::b::X { y: 1 }; }",
        "fn f(x: &mut Vec<super::b::X>) -> impl super::b::T {}",
        "fn f() { println!(\"{}\", super::b::g()); }",
        "fn f() { view! { <super::b::X y=1 /> } }",
        "fn f() { m!(use crate::a::{c, b::{X}}) }",
        "fn f() { m!(x..super::b::N) }",
        "#[derive(super::b::D)] struct S;",
        "mod inside { use super::super::b::X; }",
        "mod inside { fn f() { super::super::b::X } }",
        "fn f() { use super::b::X; }",
        "use super::X;",
        "fn f() { super::super::Renamed::new(); }",
        "use crate::a; fn f() -> a::X {}",
    ] {
        let root = "pub mod a; pub use a::b::X as Renamed;";
        let files = [
            ("", root),
            ("a", "pub use b::X; mod b; mod c; mod d;"),
            ("a::b", "struct X;"),
            ("a::c", ""),
            ("a::d", text),
        ];
        assert!(arrows_of(&files).contains(&"a::d a::b".to_owned()), "{text}");
    }
}

#[test]
fn what_only_looks_like_a_path_is_no_arrow() {
    for text in [
        "// super::b::X",
        "/// [`super::b::X`]\nstruct S;",
        "fn f() { \"super::b::X\"; }",
        "fn f() { println!(\"super::b::X {x}\", x.b::<u8>(), y.X) }",
        "use b::X;",
        "use ::a::b::X;",
        "fn f() { m!(::a::b::X, c.X) }",
        "pub(in super::b) fn f() {}",
        "fn f(b: u8) { b }",
        "use super::*; fn f(b: u8) { m!(b) }",
        "mod b { pub struct X; } use b::X;",
    ] {
        let files = [("", ""), ("a", ""), ("a::b", "struct X;"), ("a::c", text)];
        let found: Vec<_> = arrows_of(&files).into_iter().filter(|arrow| arrow != "a::c a").collect();
        assert_eq!(found, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn an_arrow_states_whether_only_tests_have_it() {
    for (text, in_test) in [
        ("use super::b::X;", false),
        ("#[cfg(test)] use super::b::X;", true),
        ("#[cfg(test)] mod tests { use super::super::b::X; }", true),
        ("#[test] fn f() { super::b::X }", true),
        ("impl S { #[cfg(test)] fn f() { super::b::X } }", true),
        ("#[cfg(feature = \"test\")] use super::b::X;", false),
    ] {
        let files = [("", ""), ("a", ""), ("a::b", "struct X;"), ("a::c", text)];
        let arrows = Tree::read(files).arrows();
        assert_eq!(arrows.iter().map(|arrow| arrow.in_test).collect::<Vec<_>>(), [in_test], "{text}");
    }
}

#[test]
fn imports_that_lead_in_a_circle_end() {
    let files =
        [("", ""), ("a", "pub use super::b::*; pub use X;"), ("b", "pub use super::a::*; fn f() { super::a::X }")];
    assert_eq!(arrows_of(&files), ["a b", "b a"]);
}
