//! A bundle on its way to the station: offered for a recipe, in pieces, and what became of it.
//!
//! One step at a time: the plant says the next one when the one before is answered, with [`super::ToPlant::Answer`] to go on, or with
//! [`super::ToPlant::Uploaded`], which ends it. Only words; nothing here verifies anything.

use serde::{Deserialize, Serialize};
use shared::units::Score;
use thiserror::Error;

/// Bytes of the longest piece: a message has room for it, and its way to the disk takes no longer than a turn of the station.
pub const MOST_PIECE: usize = 24 * 1024;

/// What the plant says next of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// One comes. Nothing else of the station changes before [`Step::Finish`].
    Begin(Offer),
    /// The next bytes, at most [`MOST_PIECE`].
    Piece(Vec<u8>),
    /// That was all of it: it is to be verified, tested, and to be the recipe's.
    Finish {
        /// SHA-256 of what was sent.
        sha256: [u8; 32],
    },
    /// It does not come after all.
    Abandon,
}

/// For what a bundle is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Name of the recipe that is to have it.
    pub recipe: String,
    /// Where there is no such recipe yet: number of the one whose settings the new one is to have; 0 is the configuration's own.
    pub like: u16,
    /// It may have been made before the one that it takes the place of.
    pub allow_older: bool,
}

/// How much of a bundle has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arriving {
    /// Name of the recipe that is to have it.
    pub recipe: String,
    /// Of its bytes, in steps of 5; at 100 it is verified and tested.
    pub percent: u8,
}

/// A bundle that is the recipe's now, as it says of itself. It is genuine, and this station computes what its trainer did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    /// The recipe's name.
    pub recipe: String,
    /// The recipe's number.
    pub number: u16,
    /// The recipe is a new one.
    pub new: bool,
    /// The line inspects with this recipe now, and goes on with the bundle that it has.
    pub running: bool,
    /// Name of the product.
    pub product: String,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Format of the file.
    pub format: u16,
    /// Short name of the key that signed it.
    pub signer: String,
    /// Seconds since 1970 at which it was made.
    pub created: u64,
    /// Name of the networks' widths.
    pub preset: String,
    /// Base widths of the reconstructive and the discriminative network.
    pub widths: [u16; 2],
    /// Width and height of the network's input, in pixels.
    pub input: [u16; 2],
    /// Optimisation steps taken.
    pub steps: u64,
    /// Pictures learnt from.
    pub pictures: u32,
    /// A part is bad when its score is greater, by the bundle and the recipe.
    pub threshold: Score,
    /// Good parts that the threshold comes from.
    pub good_parts: u32,
    /// Stored pictures that were scored here and on the trainer's machine.
    pub tested: u32,
    /// The greatest difference of the two scores.
    pub worst: Score,
    /// The greatest difference allowed.
    pub tolerance: Score,
}

/// Why a bundle is not taken. What was there before is there still.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum NotTaken {
    /// The station has no recipes, or nobody there who looks after them.
    #[error("the station changes no products")]
    NoRecipes,
    /// Another bundle is on its way.
    #[error("another bundle is on its way")]
    Busy,
    /// A step that is out of turn: the upload it belongs to has ended, or never begun.
    #[error("the upload had ended before")]
    OutOfTurn,
    /// No recipe may have this name.
    #[error("{name:?} is no name of a recipe")]
    Name {
        /// The name.
        name: String,
    },
    /// As many recipes as there may be.
    #[error("there are {most} recipes, no more are permitted")]
    TooMany {
        /// As many.
        most: u16,
    },
    /// The recipe that a new one is to be like is not there.
    #[error("no recipe has number {like}")]
    NoSuchRecipe {
        /// The number that was asked for.
        like: u16,
    },
    /// The recipe names a bundle that is not the recipe's alone, or lies elsewhere.
    #[error("the recipe's bundle is {path}, which is another's too or lies outside of the recipes' folder")]
    NotItsOwn {
        /// The bundle's file.
        path: String,
    },
    /// The recipe cannot be used, or could not with this bundle.
    #[error("the recipe: {why}")]
    Recipe {
        /// In the station's words.
        why: String,
    },
    /// No bundle.
    #[error("no bundle")]
    NotABundle,
    /// A format that the station does not read.
    #[error("bundle format {got}, the station reads format {known}")]
    Format {
        /// The file's.
        got: u16,
        /// The station's.
        known: u16,
    },
    /// Larger than any bundle.
    #[error("larger than any bundle")]
    TooLarge,
    /// Longer or shorter than it says of itself.
    #[error("{got} bytes came, it says of itself that it has {expected}")]
    Length {
        /// Bytes by its head.
        expected: u64,
        /// Bytes that came, or more.
        got: u64,
    },
    /// Signed by nobody whom the station trusts.
    #[error("signed by key {signer}; {trusted}")]
    NotTrusted {
        /// Short name of the key.
        signer: String,
        /// Which keys are trusted, in the station's words.
        trusted: String,
    },
    /// The bytes are not those that were signed, or not those that were sent.
    #[error("damaged, or changed after it was signed by key {signer}")]
    Damaged {
        /// Short name of the key.
        signer: String,
    },
    /// Genuine, and not for this line.
    #[error("not for this line: {why}")]
    Unfit {
        /// In the station's words.
        why: String,
    },
    /// For another product than the recipe's.
    #[error("for {got:?}, the recipe's bundle is for {present:?}")]
    OtherProduct {
        /// The file's.
        got: String,
        /// The one that is there.
        present: String,
    },
    /// Made before the one that it would take the place of.
    #[error("made {created} s after 1970, the one that is there {present} s")]
    Older {
        /// The file's, in seconds since 1970.
        created: u64,
        /// The one that is there.
        present: u64,
    },
    /// This station does not compute what its trainer did.
    #[error("the self-test: {why}")]
    SelfTest {
        /// In the station's words.
        why: String,
    },
    /// No room on the station's disk.
    #[error("{needed} bytes of room are needed, {free} are free")]
    NoRoom {
        /// Bytes, with those that have to stay free.
        needed: u64,
        /// Bytes.
        free: u64,
    },
    /// The station's disk.
    #[error("the station cannot keep it: {why}")]
    NotKept {
        /// In the system's words.
        why: String,
    },
}
