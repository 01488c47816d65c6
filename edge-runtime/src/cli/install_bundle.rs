//! `install-bundle`: puts a new bundle into the slot that is not in use, to be tried by the station.
//!
//! Takes a file and the station's configuration; the bundle is verified, tested on this machine and compared with the one in use
//! before a byte is written. A station that runs takes it up by itself; one that does not, at its next start.

use std::path::PathBuf;

use anyhow::Result;
use shared::preprocess::Crop;

use super::exit::Exit;
use super::model_option::ModelOption;
use super::run::{Maker, Unfit};
use crate::bundle::OpenBundle;
use crate::bundle::slots::decide::TRIAL_PARTS;
use crate::bundle::slots::folder::New;
use crate::bundle::slots::{Place, Slots, SlotsError};
use crate::config::{Config, Hardware};

/// Verifies and tests a new bundle here, and has the station try it.
///
/// A running station finds it within seconds, tests it again, and changes over between two pictures. It is committed once it has judged 20
/// parts. Give the options that the station is run with.
///
/// Example: edge-runtime install-bundle caps-2.draem --config /etc/draem-edge/station.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The bundle.
    #[arg(value_name = "FILE.draem")]
    pub file: PathBuf,
    /// The station's configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Takes a bundle that was made before the newest that was ever in use here.
    #[arg(long)]
    pub allow_older: bool,
    /// Takes a bundle for another product, or for pictures of another size, than the one in use.
    #[arg(long)]
    pub another_product: bool,
    /// As the station is run.
    #[command(flatten)]
    pub model: ModelOption,
}

/// Installs. The exit tells configuration, bundle and network apart; the reason is on standard error.
///
/// # Errors
/// The slots cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let refuse = |exit: Exit, words: &str| {
        eprintln!("error: {words}");
        Ok(exit)
    };
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(error) => return refuse(Exit::Usage, &error.to_string()),
    };
    let Some(folder) = config.slots() else { return refuse(Exit::Usage, &no_slots(&args.config)) };
    let slots = Slots::new(folder.to_owned());
    let bundle = match fit(args, &config, &slots) {
        Ok(bundle) => bundle,
        Err(Unfit { exit, words }) => return refuse(exit, &words),
    };
    let (bundle, not_before) = bundle;
    let manifest = bundle.manifest();
    let new = New {
        bytes: bundle.bytes(),
        sha256: bundle.sha256(),
        created: manifest.created(),
        product: manifest.product(),
        not_before,
        allow_older: args.allow_older,
    };
    match slots.install(&new) {
        Ok(slot) => {
            println!("slot                {slot}");
            println!("product             {}", manifest.product());
            println!("threshold           {}", manifest.threshold().get());
            eprintln!(
                "a station that runs takes it up within seconds, one that does not at its next start; \
                 it is on trial until it has judged {TRIAL_PARTS} parts"
            );
            Ok(Exit::Done)
        }
        Err(error @ SlotsError::Older { .. }) => refuse(Exit::BundleRefused, &error.to_string()),
        Err(error @ (SlotsError::State { .. } | SlotsError::Missing { .. })) => refuse(Exit::Usage, &error.to_string()),
        Err(error) => Err(error.into()),
    }
}

/// What a configuration without slots is told.
pub(super) fn no_slots(config: &std::path::Path) -> String {
    format!("{}: model.slots names no folder; add it, such as slots = \"/var/lib/draem-edge/slots\"", config.display())
}

/// Opens and tests the bundle, and compares it with the one in use. Gives when the factory's bundle was made, too, where that is the
/// one in use: nothing older is to follow it.
fn fit(args: &Args, config: &Config, slots: &Slots) -> Result<(OpenBundle, u64), Unfit> {
    let maker = Maker::new(config, args.model, 1)?;
    let bundle = maker.open(&args.file)?;
    let refused = |words| Unfit { exit: Exit::BundleRefused, words };
    let state = slots.load().map_err(|error| Unfit { exit: Exit::Usage, words: error.to_string() })?;
    let used = state.proven_place();
    let path = match used {
        Place::Factory => config.bundle().to_owned(),
        Place::Slot(slot) => slots.path(slot),
    };
    let mut not_before = 0;
    match maker.open(&path) {
        Ok(present) => {
            if used == Place::Factory {
                not_before = present.manifest().created();
            }
            if let Some(difference) = difference(&bundle, &present).filter(|_| !args.another_product) {
                return Err(refused(format!("{difference}; --another-product takes it all the same")));
            }
        }
        // A station that lost its bundle is to be helped.
        Err(Unfit { words, .. }) => eprintln!("the bundle in use cannot be compared: {words}"),
    }
    takes_its_pictures(&bundle, config).map_err(refused)?;
    maker.tested(&bundle)?;
    Ok((bundle, not_before))
}

/// Whether the camera's pictures are large enough for what the bundle looks at; a simulated camera's always are.
///
/// # Errors
/// In words.
pub(super) fn takes_its_pictures(bundle: &OpenBundle, config: &Config) -> Result<(), String> {
    let (Hardware::Board(board), Some(crop)) = (config.hardware(), bundle.manifest().preprocess().crop()) else {
        return Ok(());
    };
    let (width, height) = (board.camera().width, board.camera().height);
    let Crop { x, y, width: w, height: h } = crop;
    let why =
        || format!("the bundle looks at {w} x {h} pixels from ({x}, {y}) on, the camera gives {width} x {height}");
    if inside(crop, width, height) { Ok(()) } else { Err(why()) }
}

fn inside(crop: Crop, width: u32, height: u32) -> bool {
    let end = |from: u16, length: u16| u32::from(from) + u32::from(length);
    end(crop.x, crop.width) <= width && end(crop.y, crop.height) <= height
}

/// What makes a bundle one for another line.
fn difference(new: &OpenBundle, present: &OpenBundle) -> Option<String> {
    let (new, present) = (new.manifest(), present.manifest());
    if new.product() != present.product() {
        return Some(format!("the bundle is for {:?}, the one in use for {:?}", new.product(), present.product()));
    }
    let ([w, h], [width, height]) = (new.frame_size(), present.frame_size());
    ([w, h] != [width, height])
        .then(|| format!("the bundle is for pictures of {w} x {h} pixels, the one in use for {width} x {height}"))
}
