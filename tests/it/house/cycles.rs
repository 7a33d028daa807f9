//! No modules form a cycle.
//!
//! The rule compares the children of each folder, each with all that is inside it. If one child imports from another,
//! that is an arrow between the two. The arrows of a folder's children must have a direction, so that a reader can
//! begin at one end. The modules of one floor are compared in the same way.
//!
//! Arrows between a module and the modules above it do not count, as in Rust itself: a folder's `mod.rs` and its
//! children are one module. It declares its children, and they use what it declares. But a child that uses an item of
//! its sibling through a re-export of `mod.rs` has an arrow to that sibling. So has an `impl` that calls a method of
//! the same type from the sibling. Code that only tests compile does not count, because nothing imports it. A folder
//! that only tests compile counts like any other.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    floors::{floor, is_inside},
    tree::{Arrow, Tree},
};

/// Arrows between two modules of one folder that may close a cycle: from, to, and the reason.
const ALLOWED: &[(&str, &str, &str)] = &[];

/// Folders in which, or inside which, cycles are still to be cut. Nothing may be added.
const STILL_TO_BE_CUT: &[&str] = &["protocol"];

/// The arrows between the children of one folder, by the path of the folder.
type Folders<'a> = BTreeMap<String, BTreeMap<(String, String), Vec<&'a Arrow>>>;

/// The folder with `a` and `b` in different children, and the two children. The modules with a floor are the children
/// of the house, which has the empty path.
fn siblings(a: &str, b: &str) -> Option<(String, String, String)> {
    let (own, other) = (floor(a)?.0, floor(b)?.0);
    if own != other {
        return Some((String::new(), own.to_owned(), other.to_owned()));
    }
    let (a, b): (Vec<_>, Vec<_>) = (a.split("::").collect(), b.split("::").collect());
    let depth = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let is_above = depth == a.len() || depth == b.len();
    (!is_above).then(|| (a[..depth].join("::"), a[..=depth].join("::"), b[..=depth].join("::")))
}

fn folders<'a>(arrows: &'a BTreeSet<Arrow>, allowed: &BTreeSet<(&str, &str)>) -> Folders<'a> {
    let mut folders = Folders::new();
    for arrow in arrows.iter().filter(|arrow| !arrow.in_test) {
        if let Some((folder, from, to)) = siblings(&arrow.from, &arrow.to)
            && !allowed.contains(&(&*from, &*to))
        {
            folders.entry(folder).or_default().entry((from, to)).or_default().push(arrow);
        }
    }
    folders
}

/// The cycles, each with its folder, and as a text with its modules and the arrows between them.
fn cycles(tree: &Tree, allowed: &BTreeSet<(&str, &str)>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let arrows = tree.arrows();
    for (folder, pairs) in folders(&arrows, allowed) {
        let short = |module: &str| module.strip_prefix(&format!("{folder}::")).unwrap_or(module).to_owned();
        for knot in knots(pairs.keys().collect()) {
            let modules: Vec<_> = knot.iter().map(|module| short(module)).collect();
            let place = if folder.is_empty() { "the house" } else { &folder };
            let mut lines = vec![format!("in {place}: {}", modules.join(", "))];
            for ((from, to), arrows) in pairs.iter().filter(|((from, to), _)| knot.contains(from) && knot.contains(to))
            {
                lines.push(format!("    {} -> {}", short(from), short(to)));
                lines.extend(names(arrows));
            }
            found.push((folder.clone(), lines.join("\n")));
        }
    }
    found
}

/// What the arrows name, one line for each pair of files.
fn names(arrows: &[&Arrow]) -> Vec<String> {
    let mut names: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for arrow in arrows {
        let name = arrow.path.rsplit("::").next().unwrap_or_default();
        names.entry((&arrow.from, &arrow.to)).or_default().insert(name);
    }
    let line = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    names.into_iter().map(|((from, to), names)| format!("        {from} names {} of {to}", line(names))).collect()
}

/// The strongly connected components of more than one module.
fn knots(pairs: Vec<&(String, String)>) -> BTreeSet<BTreeSet<String>> {
    let mut next: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for (from, to) in pairs {
        next.entry(from).or_default().push(to);
    }
    let reach = |start| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(module) = open.pop() {
            open.extend(next.get(module).into_iter().flatten().filter(|to| reached.insert(**to)));
        }
        reached
    };
    let reached: BTreeMap<_, _> = next.keys().map(|module| (*module, reach(*module))).collect();
    let is_back = |module, other| reached.get(other).is_some_and(|back| back.contains(module));
    let knot =
        |module| reached[module].iter().filter(|other| is_back(module, **other)).map(|one| (*one).clone()).collect();
    let knots: BTreeSet<BTreeSet<String>> = reached.keys().map(|module| knot(*module)).collect();
    knots.into_iter().filter(|knot| knot.len() > 1).collect()
}

fn allowed() -> BTreeSet<(&'static str, &'static str)> {
    ALLOWED.iter().map(|(from, to, _)| (*from, *to)).collect()
}

#[test]
fn no_modules_form_a_cycle() {
    let mut found = cycles(&super::crate_tree(), &allowed());
    found.retain(|(folder, _)| !STILL_TO_BE_CUT.iter().any(|open| is_inside(folder, open)));
    let found: Vec<_> = found.into_iter().map(|(_, text)| text).collect();
    assert!(found.is_empty(), "{} cycles\n{}", found.len(), found.join("\n"));
}

/// An exception that nothing needs would hide the next cycle.
#[test]
fn every_allowed_arrow_would_close_a_cycle() {
    let tree = super::crate_tree();
    for (from, to, reason) in ALLOWED {
        let mut others = allowed();
        others.remove(&(*from, *to));
        let closes = cycles(&tree, &others).len() > cycles(&tree, &allowed()).len();
        assert!(closes, "{from} -> {to} closes no cycle ({reason})");
    }
}

/// The number of cycles in a crate of `protocol` with these children.
fn count(children: &[(&str, &str)]) -> usize {
    let paths: Vec<_> = children.iter().map(|(name, text)| (format!("protocol::{name}"), *text)).collect();
    let above = [("", ""), ("protocol", "pub use a::A; mod a; mod b; mod c; struct P;")];
    let tree = Tree::read(above.into_iter().chain(paths.iter().map(|(path, text)| (path.as_str(), *text))));
    cycles(&tree, &BTreeSet::new()).len()
}

#[test]
fn a_cycle_among_siblings_would_be_found() {
    assert_eq!(count(&[("a", "use super::b::B;"), ("b", "struct B; fn f() { super::a::g() }")]), 1);
    assert_eq!(count(&[("a", "use super::b;"), ("b", "use super::c;"), ("c", "fn f() { m!(super::a) }")]), 1);
    assert_eq!(
        count(&[("a", "use super::b;"), ("b", "use super::c;"), ("c", "// super::a\nconst A: &str = \"super::a\";")]),
        0
    );
}

#[test]
fn a_cycle_between_folders_would_be_found() {
    let files = [
        ("a", ""),
        ("a::x", "use crate::protocol::b::y::Y;"),
        ("a::z", "struct Z;"),
        ("b", "use super::a::z::Z;"),
        ("b::y", "struct Y;"),
    ];
    assert_eq!(count(&files), 1);
}

#[test]
fn a_cycle_over_a_re_export_would_be_found() {
    assert_eq!(count(&[("a", "struct A; use super::b::B;"), ("b", "struct B; use super::A;")]), 1);
}

#[test]
fn a_cycle_over_methods_of_one_type_would_be_found() {
    let a = "impl super::P { fn f(&self) { self.g(); } }";
    for b in ["impl super::P { fn g(&self) { self.f(); } }", "impl super::P { fn g() { m!(|x| self.f(x)) } }"] {
        assert_eq!(count(&[("a", a), ("b", b)]), 1, "{b}");
    }
    for b in ["impl super::P { fn g(&self) { other.f(); } }", "struct P; impl P { fn g(&self) { self.f(); } }"] {
        assert_eq!(count(&[("a", a), ("b", b)]), 0, "{b}");
    }
}

#[test]
fn a_cycle_inside_a_floor_would_be_found() {
    let files = [
        ("", ""),
        ("server", ""),
        ("server::bus", "use super::store::S;"),
        ("server::store", "struct S;"),
        ("server::store::a", "use crate::server::bus;"),
    ];
    assert_eq!(cycles(&Tree::read(files), &BTreeSet::new()).len(), 1);
}

#[test]
fn a_module_and_the_modules_inside_it_may_name_each_other() {
    assert_eq!(
        count(&[("a", "struct A; use b::B; mod b;"), ("a::b", "struct B; use super::A; use crate::protocol::P;")]),
        0
    );
}

#[test]
fn code_of_tests_closes_no_cycle() {
    assert_eq!(count(&[("a", "use super::b;"), ("b", "#[cfg(test)] mod tests { use super::super::a; }")]), 0);
}

#[test]
fn an_allowed_arrow_closes_no_cycle() {
    let files = [("", ""), ("ui::a", "use super::b;"), ("ui::b", "use super::a;")];
    assert_eq!(cycles(&Tree::read(files), &BTreeSet::from([("ui::b", "ui::a")])).len(), 0);
}
