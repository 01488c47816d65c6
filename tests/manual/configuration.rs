//! The reference of both configuration files and of recipes: every key that is understood, and no other, since it is made from the types that are read into.
//!
//! Takes types and what is permitted; gives a page of tables, one for each section.

use std::fmt::Write as _;

use super::Page;
use super::permitted;
use super::source::{Field, Kind, Source, Without};

const UNITS: &str = "Units stand in the names: `_mm` millimetres of belt, `_um` micrometres of belt, `_ms` milliseconds, `_s` seconds, `_mb` \
                     megabytes. Shares are numbers from 0 to 1. Paths are relative to the file itself. A key that nobody knows is refused, so that a \
                     slip of the pen does not pass for a setting.";

/// What a table of keys needs to know of them.
struct Writer<'a> {
    text: String,
    permitted: &'a dyn Fn(&str, &Kind) -> Option<String>,
}

/// Of `station.toml`.
pub fn station() -> Page {
    let source = Source::read(&["edge-runtime/src/config", "shared/src/quality/limits.rs"]);
    let bases = permitted::stations();
    let permitted = |path: &str, kind: &Kind| permitted::of_station(&bases, path, kind);
    let head = "# Reference: `station.toml`\n\nThe station's own file, of `edge-runtime run --config FILE`. `edge-runtime check-config FILE` says whether it can \
                work before a belt does; it also knows what this table cannot say, namely which figures fit together.";
    Page { name: "station-configuration.md", text: page(head, &source.fields("raw", "RawConfig"), &permitted) }
}

/// Of a recipe.
pub fn recipe() -> Page {
    let source = Source::read(&["edge-runtime/src/config", "shared/src/quality/limits.rs"]);
    let bases = permitted::stations();
    let permitted = |path: &str, kind: &Kind| permitted::of_station(&bases, path, kind);
    let head = "# Reference: recipes\n\nA recipe is a file `NAME.toml` in the folder that `[recipes]` of `station.toml` names: a bundle, and what of the line's settings goes with its \
                product. What it leaves out holds as `station.toml` has it.";
    Page { name: "recipe.md", text: page(head, &source.fields("recipe", "RawRecipe"), &permitted) }
}

/// Of `plant.toml`.
pub fn plant() -> Page {
    let words = "edge-runtime/plant/src/words/table.rs";
    let source = Source::read(&["edge-runtime/plant/src/config.rs", "edge-runtime/plant/src/mqtt/settings.rs", words]);
    let head = "# Reference: `plant.toml`\n\nThe file of the page and of what the plant is told, of `edge-plant serve --config FILE`. `edge-plant \
                check-config --config FILE` says what it means.";
    Page { name: "plant-configuration.md", text: page(head, &source.fields("config", "Raw"), &permitted::of_plant) }
}

fn page(head: &str, sections: &[Field], permitted: &dyn Fn(&str, &Kind) -> Option<String>) -> String {
    let mut writer = Writer { text: format!("{head} {UNITS}\n"), permitted };
    let (sections, first): (Vec<&Field>, Vec<&Field>) = sections.iter().partition(|field| has_its_own_table(field));
    if !first.is_empty() {
        writer.text += "\n## Before all sections\n";
        writer.keys("", &first.into_iter().cloned().collect::<Vec<_>>());
    }
    for section in sections {
        writer.section(&section.name, section);
    }
    writer.text
}

impl Writer<'_> {
    fn section(&mut self, path: &str, section: &Field) {
        let needed = if section.without == Without::Refused { "" } else { " May be left out." };
        let several = matches!(section.kind, Kind::List(_));
        let (open, close) = if several { ("[[", "]]") } else { ("[", "]") };
        let _ = write!(self.text, "\n## `{open}{path}{close}`\n\n{}{needed}\n", section.about);
        match &section.kind {
            Kind::List(inner) => match &**inner {
                Kind::Section(fields) => self.keys(path, fields),
                other => panic!("{path}: a list of {other:?} is no section"),
            },
            Kind::Section(fields) => self.keys(path, fields),
            Kind::Kinds(tag, kinds) => {
                let words: Vec<_> = kinds.iter().map(|(word, _)| format!("`\"{word}\"`")).collect();
                let _ = writeln!(self.text, "\n`{tag}` is one of {}; each has its own keys.", words.join(", "));
                for (word, fields) in kinds.iter().filter(|(_, fields)| !fields.is_empty()) {
                    let _ = write!(self.text, "\n### `{tag} = \"{word}\"`\n");
                    self.keys(path, fields);
                }
            }
            Kind::Named(kind) => {
                let _ = writeln!(self.text, "\nAny name, each with a {}.", kind_of(kind));
            }
            other => panic!("{path}: {other:?} is no section"),
        }
    }

    fn keys(&mut self, path: &str, fields: &[Field]) {
        let own = |field: &&Field| has_its_own_table(field);
        let _ = write!(self.text, "\n| key | takes | permitted | when left out | is |\n|---|---|---|---|---|\n");
        for field in fields.iter().filter(|field| !own(field)) {
            let Field { name, about, kind, without } = field;
            let words =
                |words: &Vec<String>| words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ");
            let permitted = match kind {
                Kind::Words(all) => words(all),
                _ => (self.permitted)(&format!("{path}.{name}"), kind).unwrap_or_default(),
            };
            let without = match without {
                Without::Refused => "refused".to_owned(),
                Without::Nothing => String::new(),
                Without::Value(value) => format!("`{value}`"),
            };
            let about = about.replace('|', "\\|");
            let _ = writeln!(self.text, "| `{name}` | {} | {permitted} | {without} | {about} |", kind_of(kind));
        }
        let tables = fields.iter().find_map(|field| match &field.kind {
            Kind::Either(kind, fields) => Some((kind, fields)),
            _ => None,
        });
        if let Some((kind, fields)) = tables {
            let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
            let _ =
                writeln!(self.text, "\nEach of these is a {}, or a table `{{ {} }}`:", kind_of(kind), names.join(", "));
            self.keys(&format!("{path}.trigger"), fields);
        }
        for section in fields.iter().filter(own) {
            self.section(&format!("{path}.{}", section.name), section);
        }
    }
}

fn has_its_own_table(field: &Field) -> bool {
    match &field.kind {
        Kind::List(inner) => matches!(**inner, Kind::Section(_)),
        kind => matches!(kind, Kind::Section(_) | Kind::Kinds(..) | Kind::Named(_)),
    }
}

fn kind_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Number => "number",
        Kind::Whole => "whole number",
        Kind::Text => "text",
        Kind::Path => "path",
        Kind::Flag => "`true` or `false`",
        Kind::Words(_) => "word",
        Kind::List(inner) if matches!(**inner, Kind::Path) => "list of paths",
        Kind::List(inner) if matches!(**inner, Kind::Either(..)) => "list of texts or tables",
        Kind::List(_) => "list of texts",
        Kind::Either(..) => "text or table",
        Kind::Section(_) | Kind::Kinds(..) | Kind::Named(_) => "section",
    }
}
