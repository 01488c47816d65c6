//! What `train-and-export` learns from: pictures, their way to the network's input, and the recipe and architecture that suit them.
//!
//! Options that name something are followed; what they leave open, the survey of the good pictures decides. Tells on standard error what
//! was seen.

use std::path::PathBuf;

use anyhow::{Context, bail};
use rayon::prelude::*;
use shared::preprocess::{Crop, Exposure, Fixture, Pose, Preprocess};

use super::train_and_export::{ArchitectureChoice, Args, ExposureChoice, FixtureChoice, RecipeChoice};
use crate::architecture::Architecture;
use crate::data::{self, Grouping, Loader, Picture, Prepared, Scene, Survey, Use, fixture};
use crate::simulate::Recipe;
use crate::simulate::recipe::{LARGE_SIDE, SMALL_SIDE};

/// A fixture is chosen by the looks of so many good pictures at most: each is read again for it.
const LOOKED_AT: usize = 100;
/// Share of these in which no part may be found.
const LARGEST_LOST_SHARE: f64 = 0.02;

/// The pictures, what makes inputs of them, and the recipe and architecture that suit them.
pub struct Lessons {
    /// All pictures, at the input's size.
    pub prepared: Prepared,
    /// From a frame to the input.
    pub steps: Preprocess,
    /// How defects are simulated.
    pub recipe: Recipe,
    /// How the networks' layers are connected.
    pub architecture: Architecture,
}

/// What is learnt from, in words for whoever trains.
pub fn in_words(steps: &Preprocess, recipe: &Recipe) -> String {
    let mut words = Vec::new();
    if let Some(fixture) = steps.fixture() {
        words.push(if fixture.turned { "parts centred and turned one way" } else { "parts centred" }.to_owned());
    }
    if steps.exposure() == Exposure::Evened {
        words.push("pictures of evened light".to_owned());
    }
    words.push(recipe.in_words());
    words.join("; ")
}

/// Loads what the options name and looks at it.
///
/// # Errors
/// When the folder gives no pictures to learn from, or an option cannot be followed.
pub fn prepare(args: &Args) -> anyhow::Result<Lessons> {
    // Large enough for the survey where there is one; otherwise the size that it will have.
    let side = match args.recipe {
        RecipeChoice::Suited => LARGE_SIDE,
        RecipeChoice::Usual => SMALL_SIDE,
    };
    let first = plain(args, args.size.unwrap_or((side, side)))?;
    let prepared = load(args, first)?;
    let (suited, scene, exposure) = match args.recipe {
        RecipeChoice::Suited => {
            let survey = Survey::of(&prepared.learn);
            eprintln!("the good pictures show {}", survey.in_words());
            (Recipe::suited(&survey), survey.scene(), survey.exposure())
        }
        RecipeChoice::Usual => (Recipe::default(), Scene::Nested, Exposure::AsTaken),
    };
    let (suited, steps) = match fixed(args, &prepared, scene)? {
        Some(Fixed { steps, survey }) => {
            eprintln!("brought to one place they show {}", survey.in_words());
            let recipe = match args.recipe {
                RecipeChoice::Suited => Recipe::fixed(&survey),
                RecipeChoice::Usual => suited,
            };
            (recipe, steps)
        }
        None => {
            let side = suited.input_side(prepared.frame_size);
            (suited, plain(args, args.size.unwrap_or((side, side)))?)
        }
    };
    let suited = args.rotation.map_or(suited, |degrees| suited.turned_by(degrees));
    let steps = steps.with_exposure(match args.exposure {
        ExposureChoice::Auto => exposure,
        ExposureChoice::AsTaken => Exposure::AsTaken,
        ExposureChoice::Evened => Exposure::Evened,
    });
    let architecture = match (args.architecture, scene) {
        (ArchitectureChoice::Original, _) | (ArchitectureChoice::Auto, Scene::Nested | Scene::Loose) => {
            Architecture::Original
        }
        (ArchitectureChoice::Bridged, _) | (ArchitectureChoice::Auto, Scene::Pattern) => Architecture::Bridged,
    };
    let prepared = if steps == first { prepared } else { load(args, steps)? };
    let recipe = suited.for_input((steps.width(), steps.height()));
    let recipe = if scene == Scene::Pattern && steps.fixture().is_none() {
        let grain = data::grain(&prepared.learn);
        eprintln!("the surface has a grain of {grain:.1} levels");
        recipe.over_grain(grain)
    } else {
        recipe
    };
    Ok(Lessons { prepared, recipe, steps, architecture })
}

fn plain(args: &Args, (width, height): (usize, usize)) -> anyhow::Result<Preprocess> {
    Preprocess::new(args.crop, width, height).context("--size, --crop")
}

fn load(args: &Args, steps: Preprocess) -> anyhow::Result<Prepared> {
    let same_part = args.same_part.clone().map_or(Grouping::File, Grouping::Pattern);
    let learn = Use::Learn { target: args.false_reject, seed: args.seed, same_part };
    Ok(Prepared::load(&args.data, steps, learn)?)
}

/// Steps that bring parts to one place, and how parts look then.
struct Fixed {
    steps: Preprocess,
    survey: Survey,
}

/// Of the fixtures that the option allows the one with which parts look most alike; none where `auto` finds none that brings them to one place.
fn fixed(args: &Args, prepared: &Prepared, scene: Scene) -> anyhow::Result<Option<Fixed>> {
    let turned: &[bool] = match (args.fixture, scene) {
        (FixtureChoice::Auto, Scene::Loose) => &[false, true],
        (FixtureChoice::Off, _) | (FixtureChoice::Auto, _) => return Ok(None),
        (FixtureChoice::Centred, _) => &[false],
        (FixtureChoice::Turned, _) => &[true],
    };
    let files = &prepared.learn_files;
    let every = files.len().div_ceil(LOOKED_AT).max(1);
    let looked_at: Vec<&PathBuf> = files.iter().step_by(every).collect();
    let region = args.crop.map_or(prepared.frame_size, |Crop { width, height, .. }| (width.into(), height.into()));
    let mut best: Option<Fixed> = None;
    for &turned in turned {
        let Some(steps) = with_fixture(args, &looked_at, fixture::first(region, turned), region)? else { continue };
        let loader = Loader::new(steps);
        let pictures: Vec<Picture> =
            looked_at.par_iter().filter_map(|path| loader.picture(path).ok()).map(|(picture, _)| picture).collect();
        let survey = Survey::of(&pictures);
        if best.as_ref().is_none_or(|best| survey.looseness < best.survey.looseness) {
            best = Some(Fixed { steps, survey });
        }
    }
    match args.fixture {
        FixtureChoice::Auto => Ok(best.filter(|best| best.survey.scene() == Scene::Nested)),
        _ if best.is_none() => bail!(
            "--fixture: no part is found in more than {:.0} % of the good pictures; they must lie on a plain ground that shows along the rim",
            100.0 * LARGEST_LOST_SHARE
        ),
        _ => Ok(best),
    }
}

fn with_fixture(
    args: &Args,
    looked_at: &[&PathBuf],
    first: Fixture,
    region: (usize, usize),
) -> anyhow::Result<Option<Preprocess>> {
    let loader = Loader::new(plain(args, (SMALL_SIDE, SMALL_SIDE))?.with_fixture(Some(first))?);
    let poses: Vec<Pose> = looked_at.par_iter().filter_map(|path| loader.locate(path).ok().flatten()).collect();
    if (looked_at.len() - poses.len()) as f64 > LARGEST_LOST_SHARE * looked_at.len() as f64 {
        return Ok(None);
    }
    let Some((fixture, size)) = fixture::suited(&poses, first, region, args.size) else { return Ok(None) };
    Ok(Some(plain(args, size)?.with_fixture(Some(fixture))?))
}
