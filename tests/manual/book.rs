//! The book as a whole: every page has its place in it, and what a page leads to is there.
//!
//! Takes the files below `docs/manual/src`; reads neither the internet nor a built book.

use std::path::{Path, PathBuf};

const SRC: &str = "docs/manual/src";

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// What stands behind `](` and `{{#include `, but for addresses of elsewhere.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let included = text.split("{{#include ").skip(1).filter_map(|rest| rest.split([':', '}']).next());
    links.filter(|link| !link.contains("://")).chain(included)
}

/// The names under which a page's headings are found.
fn anchors(text: &str) -> Vec<String> {
    let headings =
        text.lines().filter_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()));
    let kept = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    headings.map(|heading| heading.chars().filter_map(kept).collect()).collect()
}

#[test]
fn every_page_is_in_the_book_and_every_link_leads_somewhere() {
    let src = super::file(SRC);
    let (mut all, mut missing) = (Vec::new(), Vec::new());
    files(&src, &mut all);
    let contents = std::fs::read_to_string(src.join("SUMMARY.md")).unwrap();
    let mut reached: Vec<PathBuf> = Vec::new();
    for page in all.iter().filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for target in targets(&text) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let Ok(there) = there.canonicalize() else {
                missing.push(format!("{}: {target}", page.display()));
                continue;
            };
            if !anchor.is_empty() && !anchors(&std::fs::read_to_string(&there).unwrap()).iter().any(|it| it == anchor) {
                missing.push(format!("{}: no heading for {target}", page.display()));
            }
            reached.push(there);
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    let listed: Vec<_> = targets(&contents).map(|target| src.join(target).canonicalize().unwrap()).collect();
    for path in all {
        let path = path.canonicalize().unwrap();
        let page = path.extension().is_some_and(|end| end == "md");
        let is_in = if page { listed.contains(&path) || path.ends_with("SUMMARY.md") } else { reached.contains(&path) };
        assert!(is_in, "{} is in no place of the book", path.display());
    }
}
