//! One source file as the guard sees it: the names that each of its modules declares, and the paths that its code
//! names.
//!
//! `syn` parses the file, so text in strings and comments is no code. Tokens of a macro call have no grammar that the
//! guard could follow. There, each chain of identifiers with `::` between them is a path. What a path leads to is the
//! business of `tree`.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Attribute, Expr, ExprMethodCall, ImplItem, Item, ItemMod, Macro, MetaList, Path, Type, UseTree, VisRestricted,
    buffer::{Cursor, TokenBuffer},
    visit::{self, Visit},
};

/// The names that one module declares.
#[derive(Default)]
pub struct Names {
    /// Functions, types, constants, traits and macros.
    pub items: BTreeSet<String>,
    /// Names that a `use` brings in, each with its whole path.
    pub imports: Vec<(String, Vec<String>)>,
    /// Paths whose names a `use …::*` brings in.
    pub globs: Vec<Vec<String>>,
}

/// A path that code names.
pub struct Mention {
    /// The module of the code. It may be a module inside the file.
    pub module: String,
    pub path: Vec<String>,
    /// Whether only tests compile the code.
    pub in_test: bool,
}

/// A method of a type: one that an `impl` declares, or one that code of an `impl` calls on `self` or `Self`.
pub struct Method {
    /// The module of the `impl`.
    pub module: String,
    /// The path of the type, as the `impl` names it.
    pub of: Vec<String>,
    pub name: String,
    /// Whether only tests compile the code.
    pub in_test: bool,
}

/// The content of one file.
#[derive(Default)]
pub struct Source {
    /// The modules of the file: its own, and those inside it.
    pub modules: BTreeMap<String, Names>,
    pub mentions: Vec<Mention>,
    /// The methods that inherent `impl`s declare.
    pub declared: Vec<Method>,
    pub called: Vec<Method>,
}

impl Source {
    pub fn read(module: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{module}: {error}"));
        let mut reader =
            Reader { module: module.to_owned(), in_test: false, implemented: None, source: Self::default() };
        reader.names();
        reader.visit_file(&file);
        reader.source
    }
}

/// The path of `name` inside `module`. The root of the crate has the empty path.
pub fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

struct Reader {
    module: String,
    in_test: bool,
    /// The type of the `impl` around the code.
    implemented: Option<Vec<String>>,
    source: Source,
}

impl Reader {
    fn names(&mut self) -> &mut Names {
        self.source.modules.entry(self.module.clone()).or_default()
    }

    fn mention(&mut self, path: Vec<String>) {
        if let [first, name] = &path[..]
            && first == "Self"
        {
            self.call(name.clone());
        }
        self.source.mentions.push(Mention { module: self.module.clone(), path, in_test: self.in_test });
    }

    fn method(&self, name: String) -> Option<Method> {
        let of = self.implemented.clone()?;
        Some(Method { module: self.module.clone(), of, name, in_test: self.in_test })
    }

    fn call(&mut self, name: String) {
        let call = self.method(name);
        self.source.called.extend(call);
    }

    fn read_use(&mut self, tree: &UseTree, path: &[String]) {
        let with = |name: String| [path, &[name]].concat();
        match tree {
            UseTree::Path(step) => self.read_use(&step.tree, &with(step.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.read_use(tree, path)),
            UseTree::Glob(_) => {
                self.names().globs.push(path.to_vec());
                self.mention(path.to_vec());
            }
            UseTree::Name(leaf) if leaf.ident == "self" => {
                self.import(path.last().cloned().unwrap_or_default(), path.to_vec());
            }
            UseTree::Name(leaf) => self.import(leaf.ident.to_string(), with(leaf.ident.to_string())),
            UseTree::Rename(leaf) if leaf.ident == "self" => self.import(leaf.rename.to_string(), path.to_vec()),
            UseTree::Rename(leaf) => self.import(leaf.rename.to_string(), with(leaf.ident.to_string())),
        }
    }

    fn import(&mut self, name: String, path: Vec<String>) {
        self.mention(path.clone());
        if name != "_" {
            self.names().imports.push((name, path));
        }
    }

    /// The paths among the tokens of a macro call. `above` is the path in front of the braces of `a::{b, c}`.
    fn read_tokens(&mut self, mut at: Cursor, above: &[String]) {
        let mut after_dot = false;
        while !at.eof() {
            if let Some((first, next)) = at.ident() {
                at = next;
                let mut path = [above, &[first.to_string()]].concat();
                let mut group = None;
                while let Some(next) = skip_colons(at) {
                    if let Some((step, next)) = next.ident() {
                        path.push(step.to_string());
                        at = next;
                    } else {
                        group = next.any_group();
                        break;
                    }
                }
                if let Some((inside, _, _, next)) = group {
                    at = next;
                    self.read_tokens(inside, &path);
                }
                if path == ["self"]
                    && let Some(name) = called_method(at)
                {
                    self.call(name);
                }
                if !after_dot {
                    self.mention(path);
                }
                after_dot = false;
            } else if let Some((inside, _, _, next)) = at.any_group() {
                self.read_tokens(inside, &[]);
                (at, after_dot) = (next, false);
            } else if let Some(mut outside) = skip_colons(at) {
                // `::name` is a path of another crate, or of the type in front of it.
                while let Some((_, next)) = outside.ident() {
                    let Some(further) = skip_colons(next) else {
                        outside = next;
                        break;
                    };
                    outside = further;
                }
                (at, after_dot) = (outside, false);
            } else {
                // A second dot makes a range or `..rest`, and no field.
                after_dot = at.punct().is_some_and(|(punct, _)| punct.as_char() == '.') && !after_dot;
                at = at.token_tree().expect("a token stands before the end").1;
            }
        }
    }
}

fn skip_colons(at: Cursor) -> Option<Cursor> {
    let colon = |at: Cursor<'_>| at.punct().is_some_and(|(punct, _)| punct.as_char() == ':');
    let second = colon(at).then(|| at.punct().map(|(_, next)| next))??;
    colon(second).then(|| second.punct().map(|(_, next)| next))?
}

/// The name in tokens such as `.name(…)`.
fn called_method(at: Cursor) -> Option<String> {
    let (_, at) = at.punct().filter(|(punct, _)| punct.as_char() == '.')?;
    let (name, at) = at.ident()?;
    at.any_group().map(|_| name.to_string())
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<Path>().is_ok_and(|condition| condition.is_ident("test")))
    })
}

/// The attributes of an item, and the name that it declares.
fn describe(item: &Item) -> (&[Attribute], Option<String>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Enum(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Fn(item) => (&item.attrs, Some(item.sig.ident.to_string())),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref().map(ToString::to_string)),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Struct(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Trait(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::TraitAlias(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Type(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Union(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = describe(item);
        let outside = self.in_test;
        self.in_test |= is_for_tests(attributes);
        self.names().items.extend(name);
        visit::visit_item(self, item);
        self.in_test = outside;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        let outside = self.in_test;
        self.in_test |= is_for_tests(&function.attrs);
        visit::visit_impl_item_fn(self, function);
        self.in_test = outside;
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let Type::Path(of) = &*item.self_ty else { return visit::visit_item_impl(self, item) };
        let of = of.path.segments.iter().map(|step| step.ident.to_string()).collect();
        let outside = self.implemented.replace(of);
        if item.trait_.is_none() {
            let functions = item.items.iter().filter_map(|item| match item {
                ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
                _ => None,
            });
            let declared: Vec<_> = functions.filter_map(|name| self.method(name)).collect();
            self.source.declared.extend(declared);
        }
        visit::visit_item_impl(self, item);
        self.implemented = outside;
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if matches!(&*call.receiver, Expr::Path(receiver) if receiver.path.is_ident("self")) {
            self.call(call.method.to_string());
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_some() {
            let inside = join(&self.module, &module.ident.to_string());
            let outside = std::mem::replace(&mut self.module, inside);
            self.names();
            visit::visit_item_mod(self, module);
            self.module = outside;
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.read_use(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            self.mention(path.segments.iter().map(|step| step.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.read_tokens(TokenBuffer::new2(call.tokens.clone()).begin(), &[]);
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.visit_path(&list.path);
        self.read_tokens(TokenBuffer::new2(list.tokens.clone()).begin(), &[]);
    }

    /// `pub(super)` says who may use an item. It uses nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}
