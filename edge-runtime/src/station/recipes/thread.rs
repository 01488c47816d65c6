//! The thread that makes other products ready.
//!
//! Takes wishes, and a [`Book`] that knows the recipes; gives the line a bundle with what goes with its product. Everything that takes
//! time happens here: reading, verifying, the self-test, loading, bringing the choice to the disk. A recipe that cannot be used leaves
//! the line as it is, and so does a panic here.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use edge_plant::wire::{Arriving, Basis, NotTaken, Offer, Product, Step, Uploaded};
use shared::units::Micros;

use super::super::bundles::Ready;
use super::super::line::{Attendant, NewBundle, ProductLimits, Seen};
use super::exchange::{Exchange, Task, shortened};
use super::intake::Reply;
use crate::health::alarms::Condition;
use crate::store::Takeover;

/// How often the folder is looked at: whoever has put a recipe there sees it on the page while still looking.
const LOOKS: Duration = Duration::from_secs(2);

/// Bytes of a text of somebody else's in a list; all of it has to find room in one message.
const MOST_TEXT: usize = 120;

/// Looks without a step after which a bundle on its way is given up: a plant that hangs must not keep everybody else out.
const PATIENCE: u32 = 30;

/// From one share of a bundle that is told to the next, in percent: people see no more, and each one is a message.
const TOLD: u64 = 5;

/// What is known of the recipes.
pub trait Book {
    /// Every recipe, with what its bundle says of itself.
    fn list(&mut self) -> Vec<Product>;

    /// Makes the recipe with this number ready to judge.
    ///
    /// # Errors
    /// In words.
    fn make(&mut self, number: u16) -> Result<Made, String>;

    /// Every start from now on is to be with this recipe.
    ///
    /// # Errors
    /// In words; it is chosen or it is not.
    fn choose(&mut self, name: &str) -> Result<(), String>;

    /// A bundle comes. One that came before and was not finished is gone.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing comes.
    fn begin(&mut self, offer: Offer) -> Result<(), NotTaken>;

    /// The next bytes of it. Gives how many have come, and how many it has.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing is left of it.
    fn piece(&mut self, bytes: &[u8]) -> Result<(u64, u64), NotTaken>;

    /// All of it has come: verifies and tests it, and makes it the recipe's.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing is left of it, and what was there before is there.
    fn finish(&mut self, sha256: &[u8; 32]) -> Result<Uploaded, NotTaken>;

    /// It does not come after all.
    fn abandon(&mut self);
}

/// A product that is ready.
pub struct Made {
    /// The recipe's name.
    pub name: String,
    /// Its bundle.
    pub ready: Ready,
    /// What goes with it.
    pub limits: ProductLimits,
}

/// The thread's work.
pub struct Keeping<B> {
    book: B,
    exchange: Arc<Exchange>,
    fresh: SyncSender<NewBundle>,
    running: u16,
    /// SHA-256 of the bundle that judges.
    judges: [u8; 32],
    /// Number of the bundle that judges, within the run.
    bundle: u32,
    /// The recipe for which a bundle is on its way, and how often nothing of it came.
    coming: Option<(String, u32)>,
}

/// Says that nobody hears wishes any more, however that came about.
struct Ending(Arc<Exchange>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close("the thread that changes products has ended: restart the station");
    }
}

impl<B: Book> Keeping<B> {
    /// On a line that `running` inspects with, by the bundle with this SHA-256, wishes are heard from now on. Gives what the line is to look
    /// at, too.
    #[must_use]
    pub fn new(book: B, (running, judges): (u16, [u8; 32]), exchange: Arc<Exchange>) -> (Self, Link) {
        let (fresh, taken) = sync_channel(1);
        exchange.open(running);
        let link = Link { fresh: taken, changing: false, end: End(Arc::clone(&exchange)) };
        (Self { book, exchange, fresh, running, judges, bundle: 0, coming: None }, link)
    }

    /// Works until the line has ended.
    pub fn work(mut self) {
        let _ending = Ending(Arc::clone(&self.exchange));
        self.look();
        loop {
            match self.exchange.task(LOOKS) {
                Task::End => return,
                Task::Look => {
                    self.lose_patience();
                    self.look();
                }
                Task::Change(number) => {
                    if let Err(why) = self.change(number) {
                        tracing::error!(number, %why, "products are not changed, the line goes on with the one it has");
                        self.exchange.refuse(&why);
                    }
                    self.look();
                }
                Task::Upload(step) => self.upload(step),
            }
        }
    }

    fn look(&mut self) {
        self.exchange.list(self.book.list().into_iter().map(bounded).collect());
    }

    fn upload(&mut self, step: Step) {
        let coming = |recipe: &str, percent| Some(Arriving { recipe: recipe.to_owned(), percent });
        let done = match step {
            Step::Abandon => return self.abandon("the plant's process has left off"),
            Step::Begin(offer) => {
                let recipe = offer.recipe.clone();
                self.book.begin(offer).map(|()| {
                    self.exchange.arriving(coming(&recipe, 0));
                    self.coming = Some((recipe, 0));
                })
            }
            Step::Piece(bytes) => self.book.piece(&bytes).map(|(got, all)| {
                if let Some((recipe, waited)) = &mut self.coming {
                    *waited = 0;
                    // What is all there is told as such when it is looked at.
                    let percent = (got * 100 / all.max(1) / TOLD * TOLD).min(100 - TOLD);
                    self.exchange.arriving(coming(recipe, percent as u8));
                }
            }),
            Step::Finish { sha256 } => {
                self.exchange.arriving(self.coming.as_ref().and_then(|(recipe, _)| coming(recipe, 100)));
                let taken =
                    self.book.finish(&sha256).map(|taken| Uploaded { running: taken.number == self.running, ..taken });
                return self.ended(taken);
            }
        };
        match done {
            Ok(()) => self.exchange.reply(Reply::Go),
            Err(why) => self.ended(Err(why)),
        }
    }

    fn ended(&mut self, outcome: Result<Uploaded, NotTaken>) {
        match &outcome {
            Ok(taken) => {
                tracing::warn!(recipe = %taken.recipe, product = %taken.product, "the recipe has a new bundle")
            }
            Err(why) => tracing::warn!(%why, "a bundle is not taken in"),
        }
        self.coming = None;
        self.exchange.arriving(None);
        // Whoever is told of it finds it in the list.
        self.look();
        self.exchange.reply(Reply::Ended(Box::new(outcome)));
    }

    fn abandon(&mut self, why: &str) {
        self.book.abandon();
        self.exchange.given_up();
        if let Some((recipe, _)) = self.coming.take() {
            tracing::warn!(%recipe, why, "a bundle on its way is given up");
        }
    }

    fn lose_patience(&mut self) {
        if let Some((_, waited)) = &mut self.coming {
            *waited += 1;
            if *waited > PATIENCE {
                self.abandon("nothing of it comes any more");
            }
        }
    }

    fn change(&mut self, number: u16) -> Result<(), String> {
        // The recipe may have another bundle by now than the one that judges.
        if number == self.running && self.exchange.bundle_of(number).is_none_or(|sha256| sha256 == self.judges) {
            self.exchange.rest();
            return Ok(());
        }
        let Made { name, ready, limits } = self.book.make(number)?;
        // From here on a start is with the new product, whatever becomes of the line.
        self.book.choose(&name)?;
        let Ready { sha256, product, threshold, basis, inspectors } = ready;
        tracing::warn!(recipe = %name, number, %product, threshold = threshold.get(), "products are changed");
        self.bundle += 1;
        let takeover = Takeover { number: self.bundle, at: Micros(0), product, sha256, threshold };
        self.exchange.changing(number);
        let bundle = NewBundle { takeover, basis, inspectors, product: Some(limits) };
        self.fresh.send(bundle).map_err(|_| "the line has ended; the next start is with this product".to_owned())?;
        (self.running, self.judges) = (number, sha256);
        Ok(())
    }
}

fn bounded(product: Product) -> Product {
    let Product { name, number, bundle } = product;
    let bundle = bundle.map_err(|why| shortened(&why, MOST_TEXT)).map(|mut bundle| {
        bundle.product = shortened(&bundle.product, MOST_TEXT);
        bundle
    });
    Product { name: shortened(&name, MOST_TEXT), number, bundle }
}

/// The line's end of the thread.
pub struct Link {
    fresh: Receiver<NewBundle>,
    changing: bool,
    end: End,
}

struct End(Arc<Exchange>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// An attendant who looks after products besides. Dropped, it ends the thread.
pub struct WithRecipes<A> {
    other: A,
    link: Option<Link>,
}

impl<A> WithRecipes<A> {
    /// Joins an attendant with the thread, where there is one.
    pub fn new(other: A, link: Option<Link>) -> Self {
        Self { other, link }
    }

    /// Ends the thread's work, and gives the attendant back.
    pub fn end(self) -> A {
        self.other
    }
}

impl<A: Attendant> Attendant for WithRecipes<A> {
    fn look(&mut self, now: Micros, seen: &Seen<'_>) -> Vec<(Condition, bool)> {
        if let Some(link) = self.link.as_mut().filter(|link| link.changing && !seen.changing) {
            link.changing = false;
            link.end.0.changed();
        }
        self.other.look(now, seen)
    }

    fn reset_wanted(&mut self) -> bool {
        self.other.reset_wanted()
    }

    fn threshold_wanted(&mut self) -> Option<Takeover> {
        self.other.threshold_wanted()
    }

    fn took_over(&mut self, takeover: &Takeover, basis: Option<Basis>) {
        self.other.took_over(takeover, basis);
    }

    fn new_bundle(&mut self) -> Option<NewBundle> {
        let link = self.link.as_mut();
        let fresh = link.and_then(|link| {
            let fresh = link.fresh.try_recv().ok()?;
            link.changing = true;
            Some(fresh)
        });
        fresh.or_else(|| self.other.new_bundle())
    }
}
