//! The recipes of a line that runs, with their bundles.
//!
//! Takes the folder and the configuration that recipes are written over; lists what is there, and makes one ready. Recipes are read
//! again only when a file has changed, a bundle is verified again only when its own has.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use edge_plant::wire::{Bundle, NotTaken, Offer, Product, Uploaded};

use super::bundle::Maker;
use super::receive::{self, Receiving};
use crate::config::Config;
use crate::recipes::{Named, Recipes};
use crate::station::line::ProductLimits;
use crate::station::recipes::{Book, Made};

/// What tells a file from the one that was there before.
type Stamp = (u64, Option<SystemTime>);

/// A bundle's file, and the bits of the share of false rejects that a recipe moves its threshold to.
type Asked = (PathBuf, Option<u64>);

/// The recipes of a line.
pub(super) struct Shelf<'a> {
    recipes: Recipes,
    base: &'a Config,
    maker: &'a Maker<'a>,
    /// What bundles said of themselves when they were opened.
    known: HashMap<Asked, (Stamp, Result<Bundle, String>)>,
    /// What was listed last, and of which files.
    listed: Option<(BTreeMap<PathBuf, Stamp>, Vec<Product>)>,
    /// What is wrong with the folder, told once.
    told: Option<String>,
    /// The bundle that is on its way.
    receiving: Option<Receiving>,
}

impl<'a> Shelf<'a> {
    /// The recipes of this folder.
    pub fn new(recipes: Recipes, base: &'a Config, maker: &'a Maker<'a>) -> Self {
        Self { recipes, base, maker, known: HashMap::new(), listed: None, told: None, receiving: None }
    }

    /// Every file that the list is made from.
    fn files(&self) -> BTreeMap<PathBuf, Stamp> {
        let paths = self.recipes.files().into_iter().chain(self.known.keys().map(|(path, _)| path.clone()));
        paths.map(|path| (stamp(&path), path)).map(|(stamp, path)| (path, stamp)).collect()
    }

    fn bundle(&mut self, config: &Config) -> Result<Bundle, String> {
        let path = config.bundle();
        let stamp = stamp(path);
        let asked = (path.to_owned(), config.false_reject().map(f64::to_bits));
        if let Some((_, bundle)) = self.known.get(&asked).filter(|(then, _)| *then == stamp) {
            return bundle.clone();
        }
        let bundle = self.maker.of(config).open(path).map_err(|unfit| unfit.words).map(|bundle| {
            let manifest = bundle.manifest();
            Bundle {
                product: manifest.product().to_owned(),
                sha256: bundle.sha256(),
                // What is set while the line runs is not looked for again, and stands elsewhere.
                threshold: manifest.own_threshold(),
                created: manifest.created(),
                good_parts: u32::try_from(manifest.good_scores().len()).unwrap_or(u32::MAX),
                signer: bundle.signer().to_string(),
            }
        });
        self.known.insert(asked, (stamp, bundle.clone()));
        bundle
    }
}

/// A file that is not there has a stamp too, so that its coming is a change.
fn stamp(path: &Path) -> Stamp {
    std::fs::metadata(path).map_or((0, None), |found| (found.len(), found.modified().ok()))
}

impl Book for Shelf<'_> {
    fn list(&mut self) -> Vec<Product> {
        let files = self.files();
        if let Some((_, list)) = self.listed.as_ref().filter(|(then, _)| *then == files) {
            return list.clone();
        }
        let all = match self.recipes.all(self.base) {
            Ok(all) => all,
            Err(error) => {
                let words = error.to_string();
                if self.told.as_ref() != Some(&words) {
                    tracing::error!("{words}");
                    self.told = Some(words);
                }
                return Vec::new();
            }
        };
        self.told = None;
        let product = |(name, recipe): Named| match recipe {
            Ok(recipe) => Product { name, number: Some(recipe.number), bundle: self.bundle(&recipe.config) },
            Err(error) => Product { name, number: None, bundle: Err(error.to_string()) },
        };
        let list: Vec<_> = all.into_iter().map(product).collect();
        // Bundles that were opened for the first time are looked at from now on.
        self.listed = Some((self.files(), list.clone()));
        list
    }

    fn make(&mut self, number: u16) -> Result<Made, String> {
        let recipe = self.recipes.numbered(number, self.base).map_err(|error| error.to_string())?;
        let config = &recipe.config;
        let ready = self.maker.of(config).for_a_running_line(config.bundle())?;
        let limits = ProductLimits { layout: config.layout(), quality: config.quality(), alarms: config.alarms() };
        Ok(Made { name: recipe.name, ready, limits })
    }

    fn choose(&mut self, name: &str) -> Result<(), String> {
        self.recipes.choose(name).map_err(|error| error.to_string())
    }

    fn begin(&mut self, offer: Offer) -> Result<(), NotTaken> {
        self.receiving = None;
        self.receiving = Some(Receiving::begin(offer, &self.recipes, self.base, self.maker)?);
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(u64, u64), NotTaken> {
        let receiving = self.receiving.as_mut().ok_or(NotTaken::OutOfTurn)?;
        let came = receiving.piece(bytes, self.maker);
        if came.is_err() {
            self.receiving = None;
        }
        came
    }

    fn finish(&mut self, sha256: &[u8; 32]) -> Result<Uploaded, NotTaken> {
        let receiving = self.receiving.take().ok_or(NotTaken::OutOfTurn)?;
        let present = receive::Present::of(receiving.place(), |config| self.bundle(config).ok());
        receiving.finish(sha256, present, &self.recipes, self.maker)
    }

    fn abandon(&mut self) {
        self.receiving = None;
    }
}
