//! The folder of recipes: which there are, and which one was chosen.
//!
//! `folder` reads and writes it. What a recipe may say is `config`'s business, changing over to one is `station`'s.

mod folder;

pub use folder::{Named, Recipes, RecipesError};
