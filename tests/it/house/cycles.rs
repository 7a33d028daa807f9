//! No modules form a cycle.
//!
//! The rule compares the children of each folder, each with all that is inside it. If one child imports from another,
//! that is an arrow between the two. The arrows of a folder's children must have a direction, so that a reader can begin
//! at one end. The modules of one floor are compared in the same way.
//!
//! Arrows between a module and the modules above it do not count, as in Rust itself: a folder's `mod.rs` and its
//! children are one module. It declares its children, and they use what it declares. But a child that uses an item of
//! its sibling through a re-export of `mod.rs` has an arrow to that sibling. Code that only tests compile does not
//! count, because nothing imports it. A folder that only tests compile counts like any other.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    floors::floor,
    tree::{Arrow, Tree},
};

/// An arrow between two modules of one folder that may close a cycle.
struct Allowed {
    from: &'static str,
    to: &'static str,
    reason: &'static str,
}

const ALLOWED: [Allowed; 0] = [];

/// Arrows that are still to be cut. Nothing may be added.
const STILL_TO_BE_CUT: &[(&str, &str)] = &[];

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

/// The cycles, each as a text with its modules and the arrows between them.
fn cycles(tree: &Tree, allowed: &BTreeSet<(&str, &str)>) -> Vec<String> {
    let mut found = Vec::new();
    let arrows = tree.arrows();
    for (folder, pairs) in folders(&arrows, allowed) {
        for knot in knots(pairs.keys()) {
            let short = |module: &str| module.strip_prefix(&format!("{folder}::")).unwrap_or(module).to_owned();
            let names: Vec<_> = knot.iter().map(|module| short(module)).collect();
            let place = if folder.is_empty() { "the house" } else { &folder };
            let mut text = format!("in {place}: {}", names.join(", "));
            for ((from, to), arrows) in pairs.iter().filter(|((from, to), _)| knot.contains(from) && knot.contains(to))
            {
                text += &format!("\n    {} -> {}", short(from), short(to));
                let mut names: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
                for arrow in arrows {
                    let name = arrow.path.rsplit("::").next().unwrap_or_default();
                    names.entry((&arrow.from, &arrow.to)).or_default().insert(name);
                }
                for ((from, to), names) in names {
                    let names: Vec<_> = names.into_iter().collect();
                    text += &format!("\n        {from} names {} of {to}", names.join(", "));
                }
            }
            found.push(text);
        }
    }
    found
}

/// The strongly connected components of more than one module.
fn knots<'a>(pairs: impl Iterator<Item = &'a (String, String)> + Clone) -> BTreeSet<BTreeSet<String>> {
    let reach = |start: &String| {
        let mut reached = BTreeSet::new();
        let mut open = vec![start.clone()];
        while let Some(module) = open.pop() {
            let next = pairs.clone().filter(|(from, _)| *from == module).map(|(_, to)| to.clone());
            open.extend(next.filter(|to| reached.insert(to.clone())));
        }
        reached
    };
    let reached: BTreeMap<_, _> = pairs.clone().map(|(from, _)| (from.clone(), reach(from))).collect();
    let mutual = |a: &String, b: &String| reached[a].contains(b) && reached.get(b).is_some_and(|back| back.contains(a));
    reached
        .keys()
        .map(|module| reached[module].iter().filter(|other| mutual(module, other)).cloned().collect::<BTreeSet<_>>())
        .filter(|knot| knot.len() > 1)
        .collect()
}

fn exceptions() -> BTreeSet<(&'static str, &'static str)> {
    ALLOWED.iter().map(|arrow| (arrow.from, arrow.to)).chain(STILL_TO_BE_CUT.iter().copied()).collect()
}

#[test]
fn no_modules_form_a_cycle() {
    let found = cycles(&super::crate_tree(), &exceptions());
    assert!(found.is_empty(), "{} cycles\n{}", found.len(), found.join("\n"));
}

/// An exception that nothing needs would hide the next cycle.
#[test]
fn every_allowed_arrow_would_close_a_cycle() {
    let tree = super::crate_tree();
    let all = exceptions();
    let before = cycles(&tree, &all).len();
    for Allowed { from, to, reason } in &ALLOWED {
        let mut others = all.clone();
        others.remove(&(*from, *to));
        assert!(cycles(&tree, &others).len() > before, "{from} -> {to} closes no cycle ({reason})");
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
