//! The thread that makes other products ready.
//!
//! Takes wishes, and a [`Book`] that knows the recipes; gives the line a bundle with what goes with its product. Everything that takes
//! time happens here: reading, verifying, the self-test, loading, bringing the choice to the disk. A recipe that cannot be used leaves
//! the line as it is, and so does a panic here.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use edge_plant::wire::{Basis, Product};
use shared::units::Micros;

use super::super::bundles::Ready;
use super::super::line::{Attendant, NewBundle, ProductLimits, Seen};
use super::exchange::{Exchange, Task, shortened};
use crate::health::alarms::Condition;
use crate::store::Takeover;

/// How often the folder is looked at: whoever has put a recipe there sees it on the page while still looking.
const LOOKS: Duration = Duration::from_secs(2);

/// Bytes of a text of somebody else's in a list; all of it has to find room in one message.
const MOST_TEXT: usize = 120;

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
    /// Number of the bundle that judges, within the run.
    bundle: u32,
}

/// Says that nobody hears wishes any more, however that came about.
struct Ending(Arc<Exchange>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close("the thread that changes products has ended: restart the station");
    }
}

impl<B: Book> Keeping<B> {
    /// On a line that `running` inspects with, wishes are heard from now on. Gives what the line is to look at, too.
    #[must_use]
    pub fn new(book: B, running: u16, exchange: Arc<Exchange>) -> (Self, Link) {
        let (fresh, taken) = sync_channel(1);
        exchange.open(running);
        let link = Link { fresh: taken, changing: false, end: End(Arc::clone(&exchange)) };
        (Self { book, exchange, fresh, running, bundle: 0 }, link)
    }

    /// Works until the line has ended.
    pub fn work(mut self) {
        let _ending = Ending(Arc::clone(&self.exchange));
        loop {
            self.exchange.list(self.book.list().into_iter().map(bounded).collect());
            match self.exchange.task(LOOKS) {
                Task::End => return,
                Task::Look => {}
                Task::Change(number) => {
                    if let Err(why) = self.change(number) {
                        tracing::error!(number, %why, "products are not changed, the line goes on with the one it has");
                        self.exchange.refuse(&why);
                    }
                }
            }
        }
    }

    fn change(&mut self, number: u16) -> Result<(), String> {
        if number == self.running {
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
        self.running = number;
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
