//! Types as they are written: keys, what their documentation says, and what holds where a key is left out.
//!
//! Takes source files; gives, of a type that serde reads, its fields. An attribute or a default that is not understood here ends the test
//! with its place, so that no table is ever silently short of something.

use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, Fields, Item, Lit, Type};

/// What a key takes.
#[derive(Debug, Clone)]
pub enum Kind {
    Number,
    Whole,
    Text,
    Path,
    Flag,
    /// One of these words.
    Words(Vec<String>),
    /// Several of them.
    List(Box<Kind>),
    /// Names of the user's own, each with one.
    Named(Box<Kind>),
    /// One value, or a table with these keys.
    Either(Box<Kind>, Vec<Field>),
    /// A section of its own.
    Section(Vec<Field>),
    /// Sections with other keys for each word of one key.
    Kinds(String, Vec<(String, Vec<Field>)>),
}

/// What holds where a key is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Without {
    /// It cannot be.
    Refused,
    /// What its documentation says.
    Nothing,
    /// This value.
    Value(String),
}

/// A key.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub about: String,
    pub kind: Kind,
    pub without: Without,
}

/// Files, by the names of their modules.
pub struct Source(Vec<(String, Vec<Item>)>);

impl Source {
    /// Reads every file of folders, and single files. A folder within a folder is one module, of all its files.
    pub fn read(paths: &[&str]) -> Self {
        let mut modules = Vec::new();
        for path in paths.iter().map(|path| super::file(path)) {
            let inside = if path.is_dir() { sorted(&path) } else { vec![path] };
            for path in inside {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    modules.push((
                        name,
                        sorted(&path).iter().filter(|path| is_source(path)).flat_map(|path| parsed(path)).collect(),
                    ));
                } else if is_source(&path) {
                    modules.push((name, parsed(&path)));
                }
            }
        }
        Self(modules)
    }

    /// The keys of a type.
    pub fn fields(&self, module: &str, name: &str) -> Vec<Field> {
        match self.of(module, name).1 {
            Kind::Section(fields) => fields,
            other => panic!("{module}::{name} is no section but {other:?}"),
        }
    }

    /// The documentation of a function.
    pub fn about_function(&self, module: &str, name: &str) -> String {
        let found = self.items(module).iter().find_map(|item| match item {
            Item::Fn(function) if function.sig.ident == name => Some(about(&function.attrs)),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("there is no function {module}::{name}"))
    }

    /// The items of a module.
    pub fn items(&self, module: &str) -> &[Item] {
        let found = self.0.iter().find(|(known, _)| known == module);
        &found.unwrap_or_else(|| panic!("no module {module} was read")).1
    }

    /// Whose value holds without one, and what a type is: of this module where it has it, and of the only other one that has it otherwise.
    fn of(&self, module: &str, name: &str) -> (Option<String>, Kind) {
        let has = |items: &[Item]| items.iter().find(|item| is_type(item, name)).cloned();
        let here =
            self.0.iter().filter(|(known, _)| known == module).find_map(|(module, items)| Some((module, has(items)?)));
        let (module, item) = here.unwrap_or_else(|| {
            let all: Vec<_> = self.0.iter().filter_map(|(module, items)| Some((module, has(items)?))).collect();
            assert!(all.len() == 1, "{} types are named {name}, for {module}", all.len());
            all[0].clone()
        });
        match item {
            Item::Struct(item) => (None, Kind::Section(self.keys(module, name, &item.attrs, &item.fields))),
            Item::Enum(item) => self.choice(module, name, &item),
            _ => unreachable!("is_type lets no other through"),
        }
    }

    fn choice(&self, module: &str, name: &str, item: &syn::ItemEnum) -> (Option<String>, Kind) {
        let serde = serde_words(&item.attrs);
        let small = serde.iter().any(|(key, value)| key == "rename_all" && value == "lowercase");
        let word = |variant: &syn::Variant| {
            let own =
                serde_words(&variant.attrs).into_iter().find_map(|(key, value)| (key == "rename").then_some(value));
            let plain = variant.ident.to_string();
            own.unwrap_or_else(|| if small { plain.to_lowercase() } else { plain })
        };
        if serde.iter().any(|(key, _)| key == "untagged") {
            let [one, more] = [&item.variants[0], &item.variants[1]];
            let Fields::Unnamed(single) = &one.fields else { panic!("{module}::{name}: a value comes first") };
            let (kind, _) = self.kind(module, &single.unnamed[0].ty);
            return (None, Kind::Either(Box::new(kind), self.keys(module, name, &more.attrs, &more.fields)));
        }
        if let Some((_, tag)) = serde.iter().find(|(key, _)| key == "tag") {
            let kinds = item.variants.iter().map(|v| (word(v), self.keys(module, name, &v.attrs, &v.fields)));
            return (None, Kind::Kinds(tag.clone(), kinds.collect()));
        }
        let usual = item.variants.iter().find(|variant| variant.attrs.iter().any(|it| it.path().is_ident("default")));
        (usual.map(|usual| format!("\"{}\"", word(usual))), Kind::Words(item.variants.iter().map(word).collect()))
    }

    fn keys(&self, module: &str, of: &str, attributes: &[Attribute], fields: &Fields) -> Vec<Field> {
        let whole = serde_words(attributes).iter().any(|(key, value)| key == "default" && value.is_empty());
        let key = |field: &syn::Field| {
            let name = field.ident.as_ref().unwrap().to_string();
            let about = about(&field.attrs);
            let place = format!("{module}::{of}.{name}");
            assert!(!about.is_empty(), "{place} has no documentation");
            let (kind, optional) = self.kind(module, &field.ty);
            let own =
                serde_words(&field.attrs).into_iter().find_map(|(key, value)| (key == "default").then_some(value));
            let without = match own {
                _ if whole => self.of_the_whole(module, of, &name),
                _ if optional => Without::Nothing,
                Some(function) if function.is_empty() => self.usual(module, &field.ty, &kind, &place),
                Some(function) => self.of_function(module, function.rsplit("::").next().unwrap()),
                None => Without::Refused,
            };
            Field { name, about, kind, without }
        };
        fields.iter().map(key).collect()
    }

    /// What a type takes, and whether it may be nothing.
    fn kind(&self, module: &str, written: &Type) -> (Kind, bool) {
        let Type::Path(path) = written else { panic!("{module}: a type that no key has") };
        let last = path.path.segments.last().unwrap();
        let inner = |at: usize| {
            let syn::PathArguments::AngleBracketed(inside) = &last.arguments else {
                panic!("{module}: {}", last.ident)
            };
            let syn::GenericArgument::Type(inner) = &inside.args[at] else { panic!("{module}: {}", last.ident) };
            self.kind(module, inner).0
        };
        let kind = match last.ident.to_string().as_str() {
            "Option" => return (inner(0), true),
            "Vec" => Kind::List(Box::new(inner(0))),
            "BTreeMap" => Kind::Named(Box::new(inner(1))),
            "f32" | "f64" => Kind::Number,
            "u8" | "u16" | "u32" | "u64" | "i64" | "usize" => Kind::Whole,
            "String" => Kind::Text,
            "PathBuf" => Kind::Path,
            "bool" => Kind::Flag,
            name => {
                let module_of_it = path.path.segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
                self.of(module_of_it.as_deref().unwrap_or(module), name).1
            }
        };
        (kind, false)
    }

    /// What `Default` gives for a type of a single value; a section's is in its own keys.
    fn usual(&self, module: &str, written: &Type, kind: &Kind, place: &str) -> Without {
        Without::Value(match kind {
            Kind::Number => "0.0".to_owned(),
            Kind::Whole => "0".to_owned(),
            Kind::Flag => "false".to_owned(),
            Kind::List(_) | Kind::Named(_) => return Without::Nothing,
            Kind::Section(_) => return Without::Nothing,
            Kind::Words(_) => {
                let Type::Path(path) = written else { panic!("{place}") };
                let name = path.path.segments.last().unwrap().ident.to_string();
                self.of(module, &name).0.unwrap_or_else(|| panic!("{place}: no word is the usual one"))
            }
            other => panic!("{place}: what {other:?} is without a value is not known here"),
        })
    }

    /// From `impl Default for TYPE`.
    fn of_the_whole(&self, module: &str, of: &str, name: &str) -> Without {
        let place = format!("{module}::{of}.{name}");
        let body = self.items(module).iter().find_map(|item| match item {
            Item::Impl(it) if it.trait_.as_ref().is_some_and(|(_, path, _)| path.is_ident("Default")) => {
                let Type::Path(path) = &*it.self_ty else { return None };
                let syn::ImplItem::Fn(function) = it.items.first().filter(|_| path.path.is_ident(of))? else {
                    return None;
                };
                function.block.stmts.last().cloned()
            }
            _ => None,
        });
        let Some(syn::Stmt::Expr(Expr::Struct(value), None)) = body else {
            panic!("{place}: no Default that can be read")
        };
        let field = value.fields.iter().find(|field| matches!(&field.member, syn::Member::Named(it) if it == name));
        self.value(module, &field.unwrap_or_else(|| panic!("{place}: not in its Default")).expr, &place)
    }

    /// From a function without arguments, of the module or of a module in it.
    fn of_function(&self, module: &str, name: &str) -> Without {
        let inside = |items: &[Item]| {
            items.iter().find_map(|item| match item {
                Item::Fn(function) if function.sig.ident == name => function.block.stmts.last().cloned(),
                _ => None,
            })
        };
        let items = self.items(module);
        let nested = items.iter().find_map(|item| match item {
            Item::Mod(it) => inside(&it.content.as_ref()?.1),
            _ => None,
        });
        let Some(syn::Stmt::Expr(value, None)) = inside(items).or(nested) else {
            panic!("no function {module}::{name}")
        };
        self.value(module, &value, name)
    }

    fn value(&self, module: &str, value: &Expr, place: &str) -> Without {
        let text = match value {
            Expr::Lit(it) => match &it.lit {
                Lit::Str(text) => format!("\"{}\"", text.value()),
                Lit::Int(number) => number.to_string().replace('_', ""),
                Lit::Float(number) => number.to_string().replace('_', ""),
                Lit::Bool(flag) => flag.value.to_string(),
                _ => panic!("{place}: a literal that no key has"),
            },
            Expr::MethodCall(call) => return self.value(module, &call.receiver, place),
            Expr::Call(call) if call.args.len() == 1 => return self.value(module, &call.args[0], place),
            Expr::Path(path) if path.path.is_ident("None") => return Without::Nothing,
            Expr::Path(path) => {
                let found = self.items(module).iter().find_map(|item| match item {
                    Item::Const(it) if path.path.is_ident(&it.ident) => Some((*it.expr).clone()),
                    _ => None,
                });
                return self.value(module, &found.unwrap_or_else(|| panic!("{place}: a constant of elsewhere")), place);
            }
            _ => panic!("{place}: a default that cannot be read"),
        };
        Without::Value(text)
    }
}

/// A file's module, and what is in it but for its tests.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut inside: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    inside.sort();
    inside
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rs")
}

fn parsed(path: &Path) -> Vec<Item> {
    let text = std::fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).items
}

fn is_type(item: &Item, name: &str) -> bool {
    match item {
        Item::Struct(it) => it.ident == name,
        Item::Enum(it) => it.ident == name,
        _ => false,
    }
}

/// Documentation as one line.
fn about(attributes: &[Attribute]) -> String {
    let line = |it: &Attribute| match &it.meta {
        syn::Meta::NameValue(syn::MetaNameValue { path, value: Expr::Lit(text), .. }) if path.is_ident("doc") => {
            let Lit::Str(text) = &text.lit else { return None };
            Some(text.value().trim().to_owned())
        }
        _ => None,
    };
    attributes.iter().filter_map(line).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// What is said to serde: words, and their values where they have some.
fn serde_words(attributes: &[Attribute]) -> Vec<(String, String)> {
    let mut words = Vec::new();
    for attribute in attributes.iter().filter(|it| it.path().is_ident("serde")) {
        attribute
            .parse_nested_meta(|meta| {
                let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                let known = ["default", "deny_unknown_fields", "rename_all", "rename", "tag", "untagged"];
                assert!(known.contains(&name.as_str()), "serde's {name} is not understood here");
                let value = if meta.input.peek(syn::Token![=]) {
                    meta.value()?.parse::<syn::LitStr>()?.value()
                } else {
                    String::new()
                };
                words.push((name, value));
                Ok(())
            })
            .unwrap();
    }
    words
}
