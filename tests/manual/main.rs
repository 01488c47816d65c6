//! The pages of the manual that say what the code says, and whether they still do.
//!
//! | file | gives |
//! |---|---|
//! | `source` | types with their keys, documentation and defaults, from the source |
//! | `permitted` | what a key may be, from the code that checks it |
//! | `commands` | commands, options and exit codes of both programs |
//! | `configuration` | the reference of both configuration files and of recipes |
//! | `reasons` | failure table, alarms, and the chart for the wall |
//! | `plant` | addresses, metrics, registers, topics |
//! | `book` | whether every page is in the book, and every link leads somewhere |
//! | `dashboard` | whether dashboard and rules ask for metrics that are served |
//!
//! `UPDATE_GOLDEN=1 cargo test -p line-tests --test manual` writes the pages. Builds no book: `scripts/manual.sh` does.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod book;
mod commands;
mod configuration;
mod dashboard;
mod permitted;
mod plant;
mod reasons;
mod source;

use std::path::PathBuf;

/// A page that is made, by its name below `docs/manual/src/generated`.
struct Page {
    name: &'static str,
    text: String,
}

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn pages() -> Vec<Page> {
    vec![
        configuration::station(),
        configuration::recipe(),
        configuration::plant(),
        commands::commands(),
        reasons::failures(),
        reasons::alarms(),
        reasons::chart(),
        plant::routes(),
        plant::metrics(),
        plant::modbus(),
        plant::mqtt(),
    ]
}

#[test]
fn the_manual_says_what_the_code_says() {
    let mut changed = Vec::new();
    for Page { name, text } in pages() {
        let path = file("docs/manual/src/generated").join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = text.lines().zip(written.lines()).find(|(code, page)| code != page);
        match differs {
            Some((code, page)) => changed.push(format!("{name}: the code says\n{code}\nand the page says\n{page}")),
            None if text != written => changed.push(format!("{name}: one ends before the other")),
            None => {}
        }
    }
    assert!(changed.is_empty(), "{}\nUPDATE_GOLDEN=1 writes the pages anew", changed.join("\n\n"));
}
