//! Files of a folder: `NAME.toml` for each recipe, and `chosen`, which names the one that the station runs with.
//!
//! Takes a folder and the station's configuration; gives recipes that have been checked. The choice is written whole, brought to the
//! disk, and only then has its name: whatever is cut off, a start finds the choice before or the new one. Opens no bundle.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

use super::incoming::PART;
use crate::config::{Config, ConfigError, MOST_RECIPES, OWN, Recipe};
use crate::store::durable;

/// The choice's file. Without the ending of a recipe, so that it is none.
pub(super) const CHOSEN: &str = "chosen";

/// A choice has under 60 bytes; what is longer is something else.
const MOST_BYTES: u64 = 1024;

/// Why the recipes cannot be read, or the choice not be written.
#[derive(Debug, ThisError)]
pub enum RecipesError {
    /// The folder or a file in it cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Error,
    },
    /// The choice's file holds none.
    #[error("{}: {message}; write `recipe = \"NAME\"`, or remove the file for the configuration's own product", path.display())]
    Choice {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A recipe cannot be used.
    #[error("{0}")]
    Recipe(#[from] ConfigError),
    /// A number that two files claim.
    #[error("{}: number = {number}, which {other} has already", path.display())]
    Taken {
        /// The file that comes second.
        path: PathBuf,
        /// The number.
        number: u16,
        /// Name of the one that comes first.
        other: String,
    },
    /// No recipe has this number.
    #[error("{}: no recipe has number {number}; there are {known}", folder.display())]
    Unknown {
        /// The folder.
        folder: PathBuf,
        /// The number.
        number: u16,
        /// Those that there are, for people.
        known: String,
    },
    /// Too many files.
    #[error("{}: {got} recipes, permitted are {MOST_RECIPES}", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// How many there are.
        got: usize,
    },
}

/// The file as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    recipe: String,
}

/// A file's name without its ending, and what it holds.
pub type Named = (String, Result<Recipe, RecipesError>);

/// The folder.
#[derive(Debug, Clone)]
pub struct Recipes {
    pub(super) folder: PathBuf,
}

impl Recipes {
    /// Recipes in this folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The name that was chosen last; [`OWN`] where nothing ever was.
    ///
    /// # Errors
    /// [`RecipesError`]. What runs then is for somebody to say: another product's bundle proves nothing.
    pub fn chosen(&self) -> Result<String, RecipesError> {
        let path = self.folder.join(CHOSEN);
        let mut text = String::new();
        match File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text)) {
            Ok(_) => toml::from_str(&text)
                .map(|Choice { recipe }| recipe)
                .map_err(|error| RecipesError::Choice { path, message: error.message().to_owned() }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(OWN.to_owned()),
            Err(source) => Err(RecipesError::File { path, source }),
        }
    }

    /// The recipe that a start runs with.
    ///
    /// # Errors
    /// [`RecipesError`].
    pub fn at_start(&self, config: &Config) -> Result<Recipe, RecipesError> {
        match self.chosen()? {
            own if own == OWN => Ok(Recipe::own(config)),
            name => Ok(Recipe::read(&self.path(&name), config)?),
        }
    }

    /// Chooses a recipe, for every start from now on.
    ///
    /// # Errors
    /// [`RecipesError`]; what was chosen before is then chosen still, or the new one is, and no third.
    pub fn choose(&self, name: &str) -> Result<(), RecipesError> {
        let failed = |source| RecipesError::File { path: self.folder.join(CHOSEN), source };
        self.remove_unfinished();
        let text = toml::to_string(&Choice { recipe: name.to_owned() }).map_err(Error::other).map_err(failed)?;
        durable::files(&self.folder, &[(CHOSEN, text.as_bytes())]).map_err(failed)
    }

    /// The recipes' files; none where the folder cannot be read.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.paths().unwrap_or_default()
    }

    fn paths(&self) -> Result<Vec<PathBuf>, Error> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// Every recipe, in the order of names, the configuration's own first.
    ///
    /// # Errors
    /// [`RecipesError`]: the folder cannot be read, or holds too many.
    pub fn all(&self, config: &Config) -> Result<Vec<Named>, RecipesError> {
        let failed = |source| RecipesError::File { path: self.folder.clone(), source };
        let paths = self.paths().map_err(failed)?;
        if paths.len() > MOST_RECIPES {
            return Err(RecipesError::TooMany { folder: self.folder.clone(), got: paths.len() });
        }
        let mut numbers = BTreeMap::new();
        let mut all = vec![(OWN.to_owned(), Ok(Recipe::own(config)))];
        for path in paths {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let read = Recipe::read(&path, config).map_err(RecipesError::from).and_then(|recipe| {
                match numbers.get(&recipe.number).cloned() {
                    Some(other) => Err(RecipesError::Taken { path, number: recipe.number, other }),
                    None => {
                        numbers.insert(recipe.number, name.clone());
                        Ok(recipe)
                    }
                }
            });
            all.push((name, read));
        }
        Ok(all)
    }

    /// The recipe with this number.
    ///
    /// # Errors
    /// [`RecipesError`].
    pub fn numbered(&self, number: u16, config: &Config) -> Result<Recipe, RecipesError> {
        let mut sound: Vec<Recipe> = self.all(config)?.into_iter().filter_map(|(_, recipe)| recipe.ok()).collect();
        if let Some(at) = sound.iter().position(|recipe| recipe.number == number) {
            return Ok(sound.swap_remove(at));
        }
        sound.sort_by_key(|recipe| recipe.number);
        let known = sound.iter().map(|recipe| recipe.number.to_string()).collect::<Vec<_>>().join(", ");
        Err(RecipesError::Unknown { folder: self.folder.clone(), number, known })
    }

    /// What a kill has left. A file that cannot be removed only takes room.
    fn remove_unfinished(&self) {
        let names = std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        for name in names.filter(|name| name.to_string_lossy().starts_with(durable::TEMPORARY)) {
            drop(std::fs::remove_file(self.folder.join(name)));
        }
    }

    /// Removes what a kill or a power cut has left, a bundle that was on its way included. For a start alone: nothing may be on its way.
    pub fn sweep(&self) {
        self.remove_unfinished();
        drop(std::fs::remove_file(self.folder.join(PART)));
    }

    /// The file of a recipe.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(Path::new(name).with_extension("toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipes() -> (tempfile::TempDir, Recipes, Config) {
        let folder = tempfile::tempdir().unwrap();
        let config = include_str!("../../config/sim.toml");
        let config = Config::parse(config, "sim.toml", Path::new("base")).unwrap();
        let recipes = Recipes::new(folder.path().to_owned());
        (folder, recipes, config)
    }

    fn write(folder: &tempfile::TempDir, name: &str, number: u16) {
        let text = format!("number = {number}\n[model]\nbundle = \"{name}.draem\"\n");
        std::fs::write(folder.path().join(name), text).unwrap();
    }

    #[test]
    fn recipes_are_found_by_number_and_what_is_wrong_with_a_file_is_said_of_it_alone() {
        let (folder, recipes, config) = recipes();
        for (name, number) in [("rings.toml", 2), ("caps.toml", 1), ("again.toml", 2), ("broken.toml", 0)] {
            write(&folder, name, number);
        }
        let all = recipes.all(&config).unwrap();
        let said: Vec<_> =
            all.iter().map(|(name, recipe)| (name.as_str(), recipe.as_ref().ok().map(|r| r.number))).collect();
        assert_eq!(said, [("own", Some(0)), ("again", Some(2)), ("broken", None), ("caps", Some(1)), ("rings", None)]);
        assert!(all[4].1.as_ref().unwrap_err().to_string().ends_with("number = 2, which again has already"));
        assert_eq!(recipes.numbered(1, &config).unwrap().name, "caps");
        assert_eq!(recipes.numbered(0, &config).unwrap().config.bundle(), config.bundle());
        let unknown = recipes.numbered(3, &config).unwrap_err().to_string();
        assert!(unknown.ends_with("no recipe has number 3; there are 0, 1, 2"), "{unknown}");
        for more in 0..MOST_RECIPES {
            write(&folder, &format!("more-{more}.toml"), 100);
        }
        assert!(matches!(recipes.all(&config), Err(RecipesError::TooMany { .. })));
    }

    #[test]
    fn a_choice_is_found_again_and_one_that_is_damaged_is_not_guessed_at() {
        let (folder, recipes, config) = recipes();
        assert_eq!(recipes.at_start(&config).unwrap().name, OWN);
        write(&folder, "caps.toml", 1);
        recipes.choose("caps").unwrap();
        assert_eq!(recipes.at_start(&config).unwrap().number, 1);
        recipes.choose(OWN).unwrap();
        assert_eq!(recipes.at_start(&config).unwrap().number, 0);
        recipes.choose("rings").unwrap();
        let missing = recipes.at_start(&config).unwrap_err().to_string();
        assert!(missing.contains("rings.toml"), "{missing}");
        recipes.choose("../caps").unwrap();
        assert!(recipes.at_start(&config).is_err());
        for damaged in ["", "recipe = \"ca", "recipe = 1", "recipe = \"caps\"\nother = 1"] {
            std::fs::write(folder.path().join(CHOSEN), damaged).unwrap();
            assert!(matches!(recipes.at_start(&config), Err(RecipesError::Choice { .. })), "{damaged}");
        }
    }
}
