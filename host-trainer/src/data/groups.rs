//! Which good pictures show one and the same part.
//!
//! Takes a `GROUPS.csv` beside the pictures, or a pattern over file names; gives a part number for each picture. Pictures of
//! one part must not stand on both sides of the split into those to learn from and those held out, and weigh as one part
//! in the threshold. A picture that neither file nor pattern mentions shows a part of its own. Opens no picture.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use regex_lite::Regex;
use thiserror::Error;

/// Name of the file below the data folder. Its columns `file` (below the data folder) and `group` are read, others left.
pub const FILE_NAME: &str = "GROUPS.csv";

/// Why the parts are not known.
#[derive(Debug, Error)]
pub enum GroupError {
    /// The file cannot be read, or a line of it has not as many fields as the first.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        source: csv::Error,
    },
    /// A column is absent.
    #[error("{}: there is no column \"{column}\" in its first line; expected are file and group", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// No line names a picture of the folder.
    #[error("{}: none of its files is a good picture here, the first is \"{first}\"; expected are names such as {expected}",
        path.display())]
    Strange {
        /// The file.
        path: PathBuf,
        /// The first file that it names.
        first: String,
        /// A name as it would be right.
        expected: String,
    },
}

/// How pictures are told to show one part.
#[derive(Clone, Debug, Default)]
pub enum Grouping {
    /// By `GROUPS.csv`, if there is one.
    #[default]
    File,
    /// By what the pattern's first group matches in the file's name, or all of it where it has none.
    Pattern(Regex),
}

impl Grouping {
    /// The part that each picture shows, by numbers from 0, for names below the data folder `root`.
    ///
    /// # Errors
    /// [`GroupError`].
    pub fn parts(&self, root: &Path, names: &[String]) -> Result<Vec<usize>, GroupError> {
        let groups = match self {
            Self::File => read(&root.join(FILE_NAME), names)?,
            Self::Pattern(pattern) => names.iter().map(|name| matched(pattern, name)).collect(),
        };
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut unused = 0..;
        let mut fresh = || unused.next().unwrap_or(usize::MAX);
        Ok(groups
            .iter()
            .map(|group| match group {
                Some(group) => *numbers.entry(group).or_insert_with(&mut fresh),
                None => fresh(),
            })
            .collect())
    }
}

fn matched(pattern: &Regex, name: &str) -> Option<String> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let found = pattern.captures(file)?;
    found.get(1).or_else(|| found.get(0)).map(|part| part.as_str().to_owned())
}

fn read(path: &Path, names: &[String]) -> Result<Vec<Option<String>>, GroupError> {
    if !path.is_file() {
        return Ok(vec![None; names.len()]);
    }
    let unreadable = |source| GroupError::Read { path: path.to_owned(), source };
    let mut file = csv::Reader::from_path(path).map_err(unreadable)?;
    let headers = file.headers().map_err(unreadable)?.clone();
    let column = |column: &'static str| {
        let at = headers.iter().position(|header| header.trim() == column);
        at.ok_or_else(|| GroupError::Column { path: path.to_owned(), column })
    };
    let (file_column, group_column) = (column("file")?, column("group")?);
    let mut groups = HashMap::new();
    let mut first = String::new();
    for line in file.records() {
        let line = line.map_err(unreadable)?;
        let [name, group] = [file_column, group_column].map(|at| line.get(at).unwrap_or_default().trim().to_owned());
        if first.is_empty() {
            first.clone_from(&name);
        }
        groups.insert(name, group);
    }
    let found: Vec<Option<String>> = names.iter().map(|name| groups.get(name).cloned()).collect();
    if found.iter().all(Option::is_none) {
        let expected = names.first().cloned().unwrap_or_default();
        return Err(GroupError::Strange { path: path.to_owned(), first, expected });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["train/good/a_1.png", "train/good/a_2.png", "train/good/b_1.png", "train/good/c.png"].map(str::to_owned).into()
    }

    fn by_file(text: &str) -> Result<Vec<usize>, GroupError> {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(FILE_NAME), text).unwrap();
        Grouping::File.parts(root.path(), &names())
    }

    #[test]
    fn a_file_says_which_pictures_show_one_part() {
        let text = "file,width,group\ntrain/good/b_1.png,9,7\ntrain/good/a_2.png,9,4\ntrain/good/a_1.png,9,4\n";
        assert_eq!(by_file(text).unwrap(), [0, 0, 1, 2]);
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Grouping::File.parts(root.path(), &names()).unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_pattern_says_it_by_names() {
        let root = tempfile::tempdir().unwrap();
        let pattern = Grouping::Pattern(Regex::new("^([a-z]+)_").unwrap());
        assert_eq!(pattern.parts(root.path(), &names()).unwrap(), [0, 0, 1, 2]);
    }

    #[test]
    fn a_file_that_does_not_fit_is_refused_by_line_or_name() {
        let error = by_file("file,group\ntrain/good/a_1.png,4\ntrain/good/a_2.png\n").unwrap_err().to_string();
        assert!(error.contains("GROUPS.csv") && error.contains("line: 3"), "{error}");
        let error = by_file("name,group\na_1.png,4\n").unwrap_err().to_string();
        assert!(error.contains("no column \"file\""), "{error}");
        let error = by_file("file,group\nbad/a_1.png,4\n").unwrap_err().to_string();
        assert!(error.contains("bad/a_1.png") && error.contains("train/good/a_1.png"), "{error}");
    }
}
