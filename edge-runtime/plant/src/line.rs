//! What is known of the line, from what the station said.
//!
//! Takes messages with the moment at which they came; keeps the newest of each. Draws nothing, sends nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::store::Kept;
use crate::wire::{Basis, Greeting, Part, Products, Standing, State, ToPlant};

/// A station that says nothing for this long, although it does so five times a second, hangs.
pub const SILENT: Duration = Duration::from_secs(3);

/// What is known.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Whether somebody is connected.
    pub connected: bool,
    /// Why nobody is, in the station's or the system's words.
    pub trouble: Option<String>,
    /// Who the station is, or was.
    pub greeting: Option<Greeting>,
    /// What a threshold of the bundle that judges is chosen from.
    pub basis: Option<Arc<Basis>>,
    /// How it stands, and when it said so.
    pub standing: Option<(Standing, Moment)>,
    /// Its products, where it has recipes.
    pub products: Option<Products>,
    /// The newest part of this run.
    pub last: Option<Part>,
    /// The newest part whose pictures are kept.
    pub picture: Option<Kept>,
    /// Parts that the station could not tell us of since we run.
    pub lost: u64,
}

/// How the line stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing is known now.
    Unknown,
    /// The station has not seen a picture yet.
    Starting,
    /// Inspecting.
    Run,
    /// Stopped.
    Fault,
    /// Products are being changed.
    Changeover,
}

impl Line {
    /// Takes a message in.
    pub fn hear(&mut self, message: &ToPlant) {
        match message {
            ToPlant::Greeting(greeting) => {
                if self.greeting.as_ref().is_none_or(|before| before.run != greeting.run) {
                    (self.last, self.picture) = (None, None);
                }
                (self.connected, self.trouble) = (true, None);
                (self.standing, self.products, self.basis) = (None, None, None);
                self.greeting = Some(greeting.clone());
            }
            ToPlant::Basis(basis) => self.basis = Some(Arc::new(basis.as_ref().clone())),
            ToPlant::Standing(standing) => self.standing = Some((standing.as_ref().clone(), Moment::now())),
            ToPlant::Part(part) => self.last = Some(*part),
            ToPlant::Lost(parts) => self.lost = self.lost.saturating_add(*parts),
            ToPlant::Products(products) => self.products = Some(products.as_ref().clone()),
            ToPlant::Answer { .. } | ToPlant::Refused { .. } | ToPlant::Uploaded { .. } => {}
        }
    }

    /// Nobody is connected any more.
    pub fn gone(&mut self, why: String) {
        (self.connected, self.trouble) = (false, Some(why));
        (self.standing, self.products, self.basis) = (None, None, None);
    }

    /// The standing, if it is of now.
    #[must_use]
    pub fn now(&self) -> Option<&Standing> {
        self.standing.as_ref().filter(|(_, at)| self.connected && at.age() < SILENT).map(|(standing, _)| standing)
    }

    /// How the line stands.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match self.now().map(|standing| standing.state) {
            None => Shown::Unknown,
            Some(State::Starting) => Shown::Starting,
            Some(State::Run) => Shown::Run,
            Some(State::Fault) => Shown::Fault,
            Some(State::Changeover) => Shown::Changeover,
        }
    }
}
