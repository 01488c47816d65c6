//! The folder of recipes: which there are, which one was chosen, and bundles that come for them.
//!
//! `folder` reads and writes it, `incoming` has a bundle that comes piece by piece, `place` says where it belongs. What a recipe may say is
//! `config`'s business, changing over to one is `station`'s.

mod folder;
mod incoming;
mod place;

pub use folder::{Named, Recipes, RecipesError};
pub use incoming::{Arrived, Incoming, IncomingError};
pub use place::{Place, PlaceError};
