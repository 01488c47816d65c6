//! A bundle that the plant hands over for a recipe: taken in, judged, put in its place.
//!
//! Takes steps of an upload; gives what the bundle says of itself and what its test saw, or why it is not taken. It is refused unless a trusted
//! key signed it, it is for the recipe's product, was made no earlier than the bundle that it takes the place of (the time is in its manifest, signed with it),
//! fits camera and recipe, and scores its stored pictures here as they were scored where it was trained. Everything happens on the
//! thread that changes products. What runs is not touched: a change of products takes the bundle up.

use std::path::Path;

use edge_plant::wire::{Bundle, NotTaken, Offer, Uploaded};
use shared::bundle::BundleError;
use shared::units::Score;

use super::bundle::Maker;
use crate::bundle::TrustedKeys;
use crate::cli::install_bundle::takes_its_pictures;
use crate::config::{Config, MOST_RECIPES};
use crate::recipes::{Arrived, Incoming, IncomingError, Place, PlaceError, Recipes};

/// Bytes of a text of the system's, or of the check of a bundle, in a refusal.
const MOST_WORDS: usize = 300;

/// A bundle on its way.
pub(super) struct Receiving {
    offer: Offer,
    place: Place,
    incoming: Incoming,
}

/// Which bundle the recipe has.
pub(super) struct Present(Option<Bundle>);

impl Present {
    /// What the bundle of a recipe that is there says of itself. One that cannot be opened is none: the recipe is to be helped.
    pub fn of(place: &Place, look: impl FnOnce(&Config) -> Option<Bundle>) -> Self {
        Self(if place.is_new() { None } else { look(&place.recipe.config) })
    }

    /// Whether a bundle may take its place.
    fn admits(&self, product: &str, created: u64, allow_older: bool) -> Result<(), NotTaken> {
        match &self.0 {
            Some(present) if present.product != product => {
                Err(NotTaken::OtherProduct { got: product.to_owned(), present: present.product.clone() })
            }
            Some(present) if created < present.created && !allow_older => {
                Err(NotTaken::Older { created, present: present.created })
            }
            _ => Ok(()),
        }
    }
}

impl Receiving {
    /// Looks where it belongs, and makes a file for it.
    pub fn begin(offer: Offer, recipes: &Recipes, base: &Config, maker: &Maker<'_>) -> Result<Self, NotTaken> {
        let place = recipes.place(&offer.recipe, offer.like, base).map_err(unplaced)?;
        let folder = place.recipe.config.bundle().parent().unwrap_or(Path::new("."));
        let (keys, spare) = (maker.trusted().verifying(), base.readings().least_free_bytes);
        let incoming = Incoming::begin(folder, keys, spare).map_err(|error| refused(error, maker.trusted()))?;
        Ok(Self { offer, place, incoming })
    }

    /// The recipe that it is for.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Takes the next bytes. Gives how many have come, and how many it has.
    pub fn piece(&mut self, bytes: &[u8], maker: &Maker<'_>) -> Result<(u64, u64), NotTaken> {
        self.incoming.piece(bytes).map_err(|error| refused(error, maker.trusted()))
    }

    /// All of it has come.
    pub fn finish(
        self,
        sha256: &[u8; 32],
        present: Present,
        recipes: &Recipes,
        maker: &Maker<'_>,
    ) -> Result<Uploaded, NotTaken> {
        let Self { offer, place, incoming } = self;
        let arrived = incoming.finish(sha256).map_err(|error| refused(error, maker.trusted()))?;
        let taken = judged(&offer, &place, &present, &arrived, &maker.of(&place.recipe.config))?;
        recipes.put(&place, arrived).map_err(|error| NotTaken::NotKept { why: words(&error) })?;
        Ok(taken)
    }
}

/// Everything that a bundle is to be before it has a name.
fn judged(
    offer: &Offer,
    place: &Place,
    present: &Present,
    arrived: &Arrived,
    maker: &Maker<'_>,
) -> Result<Uploaded, NotTaken> {
    let bundle = maker.open(arrived.path()).map_err(|unfit| NotTaken::Unfit { why: words(&unfit.words) })?;
    let manifest = bundle.manifest();
    present.admits(manifest.product(), manifest.created(), offer.allow_older)?;
    takes_its_pictures(&bundle, &place.recipe.config).map_err(|why| NotTaken::Unfit { why: words(&why) })?;
    let report = maker.tested_aside(&bundle).map_err(|unfit| NotTaken::SelfTest { why: words(&unfit.words) })?;
    let (training, steps) = (manifest.training(), manifest.preprocess());
    let side = |pixels: usize| u16::try_from(pixels).unwrap_or(u16::MAX);
    // Differences of scores, which lie between 0 and 1.
    let difference = |of: f32| Score::new(of).unwrap_or_default();
    let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
    Ok(Uploaded {
        recipe: place.recipe.name.clone(),
        number: place.recipe.number,
        new: place.is_new(),
        running: false,
        product: manifest.product().to_owned(),
        sha256: bundle.sha256(),
        bytes: arrived.bytes(),
        format: arrived.format(),
        signer: arrived.signer().to_string(),
        created: manifest.created(),
        preset: training.preset.to_string(),
        widths: [training.reconstructive_width, training.discriminative_width],
        input: [side(steps.width()), side(steps.height())],
        steps: training.steps,
        pictures: training.train_pictures,
        threshold: manifest.own_threshold(),
        good_parts: count(manifest.good_scores().len()),
        tested: count(report.scores.len()),
        worst: difference(report.worst),
        tolerance: difference(report.tolerance),
    })
}

fn words(why: &dyn std::fmt::Display) -> String {
    let why = why.to_string();
    why[..why.floor_char_boundary(MOST_WORDS)].to_owned()
}

fn unplaced(error: PlaceError) -> NotTaken {
    match error {
        PlaceError::Name { name } => NotTaken::Name { name: words(&name) },
        PlaceError::TooMany => NotTaken::TooMany { most: MOST_RECIPES as u16 },
        PlaceError::NoSuchRecipe { like } => NotTaken::NoSuchRecipe { like },
        PlaceError::NotItsOwn { path } => NotTaken::NotItsOwn { path: words(&path) },
        PlaceError::Recipe(error) => NotTaken::Recipe { why: words(&error) },
        PlaceError::Recipes(error) => NotTaken::Recipe { why: words(&error) },
        PlaceError::File(error) => NotTaken::NotKept { why: words(&error) },
    }
}

fn refused(error: IncomingError, trusted: &TrustedKeys) -> NotTaken {
    let error = match error {
        IncomingError::Bundle(error) => error,
        IncomingError::Garbled => return NotTaken::Unfit { why: words(&error) },
        IncomingError::NoRoom { needed, free } => return NotTaken::NoRoom { needed, free },
        IncomingError::File(error) => return NotTaken::NotKept { why: words(&error) },
    };
    match error {
        BundleError::NotABundle | BundleError::Reserved => NotTaken::NotABundle,
        BundleError::Version { expected, got } => NotTaken::Format { got, known: expected },
        BundleError::TooLarge { .. } => NotTaken::TooLarge,
        BundleError::Length { expected, got } => NotTaken::Length { expected: expected as u64, got: got as u64 },
        BundleError::UntrustedKey { signer } => {
            NotTaken::NotTrusted { signer: signer.to_string(), trusted: words(&trusted.describe()) }
        }
        BundleError::Signature { signer } => NotTaken::Damaged { signer: signer.to_string() },
        error @ (BundleError::Hash { .. }
        | BundleError::Decode(_)
        | BundleError::Manifest(_)
        | BundleError::ParityLength { .. }) => NotTaken::Unfit { why: words(&error) },
    }
}
