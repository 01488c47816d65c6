//! Where a bundle belongs that comes for a recipe.
//!
//! Takes the recipe's name; gives the file that is its bundle's alone, and for a name that is new the recipe's own file, with the
//! settings of another recipe or with none. A bundle that is there is replaced by one renaming. Of a new recipe the bundle has its
//! name first, so that no recipe ever names one that is not there; what a power cut leaves between the two is a whole bundle that no
//! recipe names. Chooses no product, and never touches a bundle outside of the folder.

use std::io::Error;
use std::path::PathBuf;

use thiserror::Error as ThisError;
use toml::{Table, Value};

use super::folder::{CHOSEN, Recipes, RecipesError};
use super::incoming::Arrived;
use crate::config::{Config, ConfigError, MOST_RECIPES, Recipe, is_recipe_name};
use crate::store::durable;

/// Why a bundle has no place here.
#[derive(Debug, ThisError)]
pub enum PlaceError {
    /// No recipe may have this name.
    #[error("{name:?} is no name of a recipe")]
    Name {
        /// The name.
        name: String,
    },
    /// As many recipes as there may be.
    #[error("there are {MOST_RECIPES} recipes, no more are permitted")]
    TooMany,
    /// The recipe that a new one is to be like is not there.
    #[error("no recipe has number {like}")]
    NoSuchRecipe {
        /// The number.
        like: u16,
    },
    /// The file is another recipe's too, lies elsewhere, or is no bundle's.
    #[error("{path} is another's too, or lies outside of the recipes' folder")]
    NotItsOwn {
        /// The file.
        path: String,
    },
    /// The recipe cannot be used.
    #[error("{0}")]
    Recipe(#[from] ConfigError),
    /// The recipes cannot be read.
    #[error("{0}")]
    Recipes(#[from] RecipesError),
    /// The folder cannot be written.
    #[error("{0}")]
    File(#[from] Error),
}

/// A bundle's place.
#[derive(Debug, Clone)]
pub struct Place {
    /// The recipe, as it is or will be.
    pub recipe: Recipe,
    /// The bundle's file in the folder.
    file: String,
    /// What stands in the recipe's file, where there is none yet.
    text: Option<String>,
}

impl Place {
    /// Whether the recipe is a new one.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.text.is_some()
    }
}

impl Recipes {
    /// The place of a bundle for the recipe of this name; where there is none yet, it is to have the settings of the one with the number `like`.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn place(&self, name: &str, like: u16, config: &Config) -> Result<Place, PlaceError> {
        if !is_recipe_name(name) {
            return Err(PlaceError::Name { name: name.to_owned() });
        }
        durable::folder(&self.folder)?;
        let (here, others): (Vec<_>, Vec<_>) = self.all(config)?.into_iter().partition(|(other, _)| other == name);
        let (recipe, text) = match here.into_iter().next() {
            Some((_, recipe)) => (recipe?, None),
            // Beside the others there is the configuration's own.
            None if others.len() > MOST_RECIPES => return Err(PlaceError::TooMany),
            None => {
                let settings = match like {
                    0 => String::new(),
                    like => {
                        let like = self.numbered(like, config).map_err(|_| PlaceError::NoSuchRecipe { like })?;
                        std::fs::read_to_string(self.path(&like.name))?
                    }
                };
                let text = fresh(&settings, self.free_number(), &format!("{name}.draem")).map_err(Error::other)?;
                (Recipe::parse(&text, &self.path(name), config)?, Some(text))
            }
        };
        let bundle = recipe.config.bundle();
        let its_own = bundle.parent() == Some(&*std::path::absolute(&self.folder)?)
            && !others.iter().any(|(_, other)| other.as_ref().is_ok_and(|other| other.config.bundle() == bundle));
        let file = bundle.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let is_a_bundles = !file.starts_with('.') && !file.ends_with(".toml") && file != CHOSEN;
        if !its_own || !is_a_bundles {
            return Err(PlaceError::NotItsOwn { path: bundle.display().to_string() });
        }
        Ok(Place { file: file.to_owned(), recipe, text })
    }

    /// Puts a bundle in its place. Whatever happens, the recipe has the bundle before or this one.
    ///
    /// # Errors
    /// What the system says; the recipe is as it was then.
    pub fn put(&self, place: &Place, bundle: Arrived) -> Result<(), Error> {
        bundle.name(&place.file)?;
        let Some(text) = &place.text else { return Ok(()) };
        let file = self.path(&place.recipe.name);
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        durable::files(&self.folder, &[(name, text.as_bytes())]).inspect_err(|_| {
            // One that stays is a bundle that no recipe names.
            let _ = durable::remove(&self.folder, &place.file);
        })
    }

    /// The lowest number that no recipe has, be it sound or not.
    fn free_number(&self) -> u16 {
        let number = |path: PathBuf| {
            toml::from_str::<Table>(&std::fs::read_to_string(path).ok()?).ok()?.get("number")?.as_integer()
        };
        let taken: Vec<_> = self.files().into_iter().filter_map(number).collect();
        (1..).find(|number| !taken.contains(&i64::from(*number))).unwrap_or_default()
    }
}

/// A recipe's file with settings, under another number and for another bundle.
fn fresh(settings: &str, number: u16, bundle: &str) -> Result<String, toml::ser::Error> {
    // It was read as a recipe just now; if it is none any more, the new one has no settings.
    let mut table: Table = toml::from_str(settings).unwrap_or_default();
    let mut model = table.remove("model").and_then(|model| model.try_into::<Table>().ok()).unwrap_or_default();
    model.insert("bundle".to_owned(), Value::String(bundle.to_owned()));
    table.insert("model".to_owned(), Value::Table(model));
    table.insert("number".to_owned(), Value::Integer(number.into()));
    toml::to_string(&table)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sha2::{Digest as _, Sha256};

    use super::super::incoming::Incoming;
    use super::*;

    const BUNDLE: &[u8] = include_bytes!("../../../models/demo/cap-nano.draem");

    fn arrived(folder: &Path) -> Arrived {
        let key = shared::key_text::parse(include_str!("../../../models/demo/demo.pub")).unwrap();
        let mut incoming = Incoming::begin(folder, vec![key], 0).unwrap();
        incoming.piece(BUNDLE).unwrap();
        incoming.finish(&Sha256::digest(BUNDLE).into()).unwrap()
    }

    fn recipes(folder: &Path) -> (Recipes, Config) {
        let config = Config::parse(include_str!("../../config/sim.toml"), "sim.toml", Path::new("base")).unwrap();
        (Recipes::new(folder.join("recipes")), config)
    }

    #[test]
    fn a_new_recipe_has_the_settings_that_were_asked_for_and_a_number_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (recipes, config) = recipes(folder.path());
        let place = recipes.place("caps", 0, &config).unwrap();
        assert!(place.is_new() && !recipes.path("caps").exists(), "nothing is written before the bundle is there");
        recipes.put(&place, arrived(&recipes.folder)).unwrap();
        let written = std::fs::read_to_string(recipes.path("caps")).unwrap();
        assert_eq!(written, "number = 1\n\n[model]\nbundle = \"caps.draem\"\n");
        let text = "number = 2\n[model]\nbundle = \"elsewhere.draem\"\nfalse_reject = 0.05\n[line]\nwindow_after_mm = 40.0 # a long one\n";
        std::fs::write(recipes.path("rings"), text).unwrap();
        // Unsound, and it has its number all the same.
        std::fs::write(recipes.path("later"), "number = 3\n").unwrap();
        recipes.put(&recipes.place("lids", 2, &config).unwrap(), arrived(&recipes.folder)).unwrap();
        let lids = recipes.numbered(4, &config).unwrap();
        assert_eq!((lids.name.as_str(), lids.config.false_reject()), ("lids", Some(0.05)));
        assert_eq!(lids.config.layout().window_after(), shared::units::Travel(40_000));
        assert_eq!(std::fs::read(lids.config.bundle()).unwrap(), BUNDLE);
        assert_eq!(lids.config.bundle().file_name().unwrap(), "lids.draem");
    }

    #[test]
    fn a_recipe_that_is_there_keeps_its_file_and_only_its_own_bundle_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (recipes, config) = recipes(folder.path());
        std::fs::create_dir(&recipes.folder).unwrap();
        let write = |name: &str, number: u16, bundle: &str| {
            let text = format!("# mine\nnumber = {number}\n[model]\nbundle = {bundle:?}\n");
            std::fs::write(recipes.path(name), text).unwrap();
        };
        write("caps", 1, "of-may.draem");
        std::fs::write(recipes.folder.join("of-may.draem"), "old").unwrap();
        let before = std::fs::read(recipes.path("caps")).unwrap();
        recipes.put(&recipes.place("caps", 9, &config).unwrap(), arrived(&recipes.folder)).unwrap();
        assert_eq!(std::fs::read(recipes.folder.join("of-may.draem")).unwrap(), BUNDLE);
        assert_eq!(std::fs::read(recipes.path("caps")).unwrap(), before);

        write("twin", 2, "of-may.draem");
        for (name, number, bundle) in [
            ("up", 3, "../up.draem"),
            ("away", 4, "/usr/share/away.draem"),
            ("strange", 5, "caps.toml"),
            ("odd", 6, "chosen"),
        ] {
            write(name, number, bundle);
        }
        for name in ["caps", "twin", "up", "away", "strange", "odd", "of-may"] {
            let refused = recipes.place(name, 0, &config);
            assert!(matches!(refused, Err(PlaceError::NotItsOwn { .. })), "{name}: {refused:?}");
        }
        for name in ["own", "", "../caps", "a b", ".hidden", &"x".repeat(41)] {
            assert!(matches!(recipes.place(name, 0, &config), Err(PlaceError::Name { .. })), "{name}");
        }
        assert!(matches!(recipes.place("new", 77, &config), Err(PlaceError::NoSuchRecipe { like: 77 })));
        std::fs::write(recipes.path("unsound"), "number = 0\n").unwrap();
        assert!(matches!(recipes.place("unsound", 0, &config), Err(PlaceError::Recipes(_))));
        for number in 8..=MOST_RECIPES {
            write(&format!("more-{number}"), 100 + number as u16, "more.draem");
        }
        assert!(matches!(recipes.place("new", 0, &config), Err(PlaceError::TooMany)));
    }

    #[test]
    fn what_a_power_cut_leaves_is_swept_and_what_counts_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (recipes, _) = recipes(folder.path());
        std::fs::create_dir(&recipes.folder).unwrap();
        for name in [".upload.part", ".new-1234", "caps.toml", "caps.draem", "chosen"] {
            std::fs::write(recipes.folder.join(name), "x").unwrap();
        }
        recipes.sweep();
        let mut left: Vec<_> =
            std::fs::read_dir(&recipes.folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["caps.draem", "caps.toml", "chosen"]);
    }
}
