//! A recipe: a bundle, and what of a line's settings goes with its product.
//!
//! Takes a small file with some of the configuration's own keys, and a number; gives the configuration with these in place of its own,
//! checked as a whole. What belongs to the wiring, to the camera or to the plant is in no recipe. It opens no bundle.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use shared::quality::RawLimits;

use super::check::Config;
use super::checker::Checker;
use super::error::ConfigError;
use super::raw::RawConfig;

/// Recipes of one station. Beyond it files are refused: a message to the plant has room for so many.
pub const MOST_RECIPES: usize = 32;

/// The name of what the configuration itself says, whose number is 0. No recipe may have it.
pub const OWN: &str = "own";

/// Numbers that a controller may know a product by.
const NUMBERS: (f64, f64) = (1.0, 9_999.0);

/// Letters of a name: it stands on displays and in records.
const LONGEST_NAME: usize = 40;

/// The section of the configuration as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRecipes {
    /// Folder of the recipes, a `NAME.toml` for each; `edge-runtime` writes the name of the one that was chosen there, and bundles that are handed over for recipes.
    pub dir: PathBuf,
}

/// A recipe's file as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecipe {
    /// What a controller knows the product by, 1 to 9999.
    number: u16,
    /// What judges.
    model: RawModel,
    /// What of the line's geometry goes with the product.
    line: Option<RawLine>,
    /// What a part's picture must be like to prove anything; replaces the configuration's section as a whole.
    quality: Option<RawLimits>,
    /// What of the belt goes with the product; on a board alone.
    board: Option<RawBoard>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    /// The product's bundle.
    bundle: PathBuf,
    /// Moves the threshold to this share of good parts that may be rejected.
    false_reject: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    /// A part's window begins this far before the gate.
    window_before_mm: Option<f64>,
    /// The window ends this far behind the gate.
    window_after_mm: Option<f64>,
    /// Edges nearer than this to a part's edge are bounces of it.
    lockout_mm: Option<f64>,
    /// The longest part.
    max_length_mm: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBoard {
    /// The greatest speed of the belt.
    greatest_speed_mm_s: Option<f64>,
    /// From one part's leading edge to the next at the least.
    least_pitch_mm: Option<f64>,
}

/// A recipe that has been checked.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Its file's name without the ending, or [`OWN`].
    pub name: String,
    /// What a controller knows it by, 1 to 9999; 0 is the configuration's own.
    pub number: u16,
    /// The station's configuration with what goes with this product.
    pub config: Config,
}

impl Recipe {
    /// What the configuration itself says.
    #[must_use]
    pub fn own(config: &Config) -> Self {
        Self { name: OWN.to_owned(), number: 0, config: config.clone() }
    }

    /// Reads and checks a file. Paths in it are relative to its own folder.
    ///
    /// # Errors
    /// [`ConfigError`], the first that is found.
    pub fn read(path: &Path, config: &Config) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { file: file.clone(), source })?;
        Self::parse(&text, path, config)
    }

    /// Checks what stands, or is to stand, in a file.
    ///
    /// # Errors
    /// [`ConfigError`], the first that is found.
    pub fn parse(text: &str, path: &Path, config: &Config) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let base = path.parent().unwrap_or(Path::new("."));
        let checker = Checker { file: &file, base };
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_name(name) {
            let expected =
                "at most 40 letters of a to z, A to Z, digits, - and _, and not \"own\", are a recipe's name";
            return Err(checker.value("name", name, expected));
        }
        let raw: RawRecipe = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax { file: file.clone(), message: error.to_string() })?;
        checker.range("number", f64::from(raw.number), NUMBERS.0, NUMBERS.1)?;
        let number = raw.number;
        let bundle = absolute(base).join(&raw.model.bundle);
        if raw.board.is_some() && matches!(config.hardware(), super::Hardware::Simulation(_)) {
            return Err(checker.value("board", "", "the configuration drives a simulated line"));
        }
        let config = config.with_product(&file, |own| raw.write_over(bundle, own))?;
        Ok(Self { name: name.to_owned(), number, config })
    }
}

impl RawRecipe {
    fn write_over(self, bundle: PathBuf, own: &mut RawConfig) {
        let set = |value: Option<f64>, own: &mut f64| *own = value.unwrap_or(*own);
        own.model.bundle = bundle;
        own.model.false_reject = self.model.false_reject.or(own.model.false_reject);
        if let Some(line) = self.line {
            set(line.window_before_mm, &mut own.line.window_before_mm);
            set(line.window_after_mm, &mut own.line.window_after_mm);
            set(line.lockout_mm, &mut own.line.lockout_mm);
            own.line.max_length_mm = line.max_length_mm.or(own.line.max_length_mm);
        }
        own.quality = self.quality.or(own.quality);
        if let (Some(board), Some(own)) = (self.board, &mut own.board) {
            set(board.greatest_speed_mm_s, &mut own.greatest_speed_mm_s);
            set(board.least_pitch_mm, &mut own.least_pitch_mm);
        }
    }
}

/// Whether a recipe may have this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-_".contains(&letter));
    (1..=LONGEST_NAME).contains(&name.len()) && letters && name != OWN
}

/// A relative folder that cannot be found is relative to whoever opens it later.
fn absolute(base: &Path) -> PathBuf {
    std::path::absolute(base).unwrap_or_else(|_| base.to_owned())
}

/// `None` where products are not changed.
pub(super) fn check_folder(checker: &Checker<'_>, raw: &RawConfig) -> Result<Option<PathBuf>, ConfigError> {
    let Some(RawRecipes { dir }) = &raw.recipes else { return Ok(None) };
    let written = dir.display().to_string();
    if dir.as_os_str().is_empty() {
        return Err(checker.value("recipes.dir", &written, "a folder is needed"));
    }
    if raw.model.slots.is_some() {
        let expected = "a slot's bundle takes over without a changeover: leave out either [recipes] or model.slots";
        return Err(checker.value("recipes.dir", &written, expected));
    }
    Ok(Some(checker.base.join(dir)))
}

#[cfg(test)]
mod tests {
    use shared::units::Travel;

    use super::*;

    const SIM: &str = include_str!("../../config/sim.toml");
    const BOARD: &str = include_str!("../../config/board.example.toml");

    fn config(text: &str) -> Config {
        Config::parse(text, "station.toml", Path::new("base")).unwrap()
    }

    fn parse(text: &str, name: &str) -> Result<Recipe, ConfigError> {
        Recipe::parse(text, &Path::new("/recipes").join(name), &config(SIM))
    }

    #[test]
    fn what_a_recipe_says_stands_in_for_what_the_configuration_says_and_nothing_else_does() {
        let text = "number = 7\n[model]\nbundle = \"ring.draem\"\nfalse_reject = 0.01\n[line]\nwindow_after_mm = 40.0\nmax_length_mm = 33.0\n";
        let (recipe, own) = (parse(text, "rings.toml").unwrap(), config(SIM));
        assert_eq!((recipe.name.as_str(), recipe.number), ("rings", 7));
        assert_eq!(recipe.config.bundle(), Path::new("/recipes/ring.draem"));
        assert_eq!((recipe.config.false_reject(), own.false_reject()), (Some(0.01), None));
        let (layout, before) = (recipe.config.layout(), own.layout());
        assert_eq!((layout.window_after(), layout.max_length()), (Travel(40_000), Some(Travel(33_000))));
        assert_eq!((layout.window_before(), layout.gate_distance()), (before.window_before(), before.gate_distance()));
        assert_eq!((recipe.config.name(), recipe.config.trust()), (own.name(), own.trust()));
        let overridden = own.with_parts(5).with_audit_dir("elsewhere".into());
        let recipe = Recipe::parse(text, Path::new("/recipes/rings.toml"), &overridden).unwrap();
        assert_eq!(recipe.config.audit().dir(), Path::new("elsewhere"));
        let super::super::Hardware::Simulation(simulation) = recipe.config.hardware() else { panic!("a twin") };
        assert_eq!(simulation.plan().parts, 5);
    }

    #[test]
    fn a_recipe_is_checked_as_strictly_as_the_configuration_and_errors_name_its_file() {
        let sound = "number = 1\n[model]\nbundle = \"a.draem\"\n";
        parse(sound, "a.toml").unwrap();
        let cases = [
            ("number = 0\n[model]\nbundle = \"a\"\n".to_owned(), "a.toml", "number = 0, permitted is 1 to 9999"),
            ("[model]\nbundle = \"a\"\n".to_owned(), "a.toml", "missing field `number`"),
            ("number = 1\n[model]\nbundle = \"a\"\ntrust = []\n".to_owned(), "a.toml", "unknown field `trust`"),
            (format!("{sound}[line]\ngate_distance_mm = 5.0\n"), "a.toml", "unknown field `gate_distance_mm`"),
            (format!("{sound}[line]\nlockout_mm = -1.0\n"), "a.toml", "line.lockout_mm = -1"),
            (format!("{sound}[line]\nwindow_after_mm = 95.0\n"), "a.toml", "takes its neighbour"),
            (format!("{sound}[line]\nmax_length_mm = 2.0\n"), "a.toml", "[line]"),
            (format!("{sound}[board]\nleast_pitch_mm = 90.0\n"), "a.toml", "simulated"),
            (sound.replace("\"a.draem\"", "\"a.draem\"\nfalse_reject = 1.0"), "a.toml", "model.false_reject"),
            (sound.to_owned(), "own.toml", "name = \"own\""),
            (sound.to_owned(), "a b.toml", "name = \"a b\""),
        ];
        for (text, file, expected) in cases {
            let said = parse(&text, file).unwrap_err().to_string();
            assert!(said.contains(file) && said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_boards_recipe_may_be_slower_or_farther_apart() {
        let text = BOARD.replace("slots = \"/var/lib/draem-edge/slots\"\n", "");
        let text = text.replace("\n[line]\n", "\n[recipes]\ndir = \"recipes\"\n\n[line]\n");
        let config = config(&text);
        assert_eq!(config.recipes(), Some(Path::new("base/recipes")));
        let recipe = |speed: f64| {
            let text = format!("number = 1\n[model]\nbundle = \"a\"\n[board]\ngreatest_speed_mm_s = {speed:?}\n");
            Recipe::parse(&text, Path::new("/r/a.toml"), &config)
        };
        let super::super::Hardware::Board(board) = recipe(50.0).unwrap().config.hardware().clone() else { panic!() };
        assert_eq!(board.greatest_speed_um_s(), 50_000.0);
        let said = recipe(9_000.0).unwrap_err().to_string();
        assert!(said.contains("a.toml"), "{said}");
    }

    #[test]
    fn slots_and_recipes_exclude_each_other() {
        let text = SIM.replace("[line]\n", "slots = \"slots\"\n\n[recipes]\ndir = \"recipes\"\n\n[line]\n");
        let said = Config::parse(&text, "station.toml", Path::new("base")).unwrap_err().to_string();
        assert!(said.contains("model.slots"), "{said}");
    }
}
