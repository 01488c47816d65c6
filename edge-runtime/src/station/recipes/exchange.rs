//! What is wished for, and how far it is.
//!
//! Everybody holds the lock for as long as it takes to copy a list of products. One change at a time: a wish that comes before the one
//! before has ended is refused.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use edge_plant::wire::{Arriving, Change, NotTaken, Product, Products, Refusal, Step, Wired};

use super::intake::{Intake, Reply};

/// What the thread is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Look at the folder.
    Look,
    /// Change to the recipe with this number.
    Change(u16),
    /// Do this for a bundle that is on its way.
    Upload(Step),
    /// End.
    End,
}

#[derive(Debug, Default)]
struct Inner {
    /// A thread hears wishes.
    open: bool,
    ending: bool,
    wish: Option<u16>,
    intake: Intake,
    products: Products,
    /// Counts changes of `products`.
    version: u64,
}

/// Between plant, line and thread. Without a thread every wish is refused, and there is nothing to be told.
#[derive(Debug, Default)]
pub struct Exchange {
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Exchange {
    /// Nothing panics while it holds the lock, so that what it guards is whole even if somebody panicked elsewhere.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Products)) {
        let mut inner = self.inner();
        let before = inner.products.clone();
        change(&mut inner.products);
        if inner.products != before {
            inner.version += 1;
        }
    }

    /// Somebody wants the recipe with this number. Gives whether it is heard.
    pub fn select(&self, number: u16) -> bool {
        self.wish(&mut self.inner(), number)
    }

    /// The same, by somebody at the station's own inputs, of which nobody else would know.
    pub fn select_wired(&self, number: u16) -> bool {
        let mut inner = self.inner();
        let (before, last) = (inner.products.running, inner.products.wired);
        let taken = self.wish(&mut inner, number);
        let count = last.map_or(0, |wired| wired.count).wrapping_add(1);
        inner.products.wired = Some(Wired { count, product: number, before, taken });
        inner.version += 1;
        taken
    }

    fn wish(&self, inner: &mut Inner, number: u16) -> bool {
        if !inner.open || inner.products.change != Change::Rest {
            return false;
        }
        inner.wish = Some(number);
        (inner.products.change, inner.products.refused) = (Change::Preparing(number), None);
        inner.version += 1;
        self.changed.notify_all();
        true
    }

    /// What is known of the products, unless it is what was told as `seen`, with the number to ask with next time.
    #[must_use]
    pub fn products(&self, seen: u64) -> Option<(u64, Products)> {
        let inner = self.inner();
        (inner.version != seen).then(|| (inner.version, inner.products.clone()))
    }

    /// A thread hears wishes from now on, on a line that inspects with this recipe.
    pub fn open(&self, running: u16) {
        let mut inner = self.inner();
        (inner.open, inner.products.running) = (true, running);
        inner.version += 1;
    }

    /// Nobody hears wishes any more.
    pub fn close(&self, why: &str) {
        let mut inner = self.inner();
        inner.open = false;
        inner.intake.reply(Reply::Ended(Box::new(Err(NotTaken::NoRecipes))));
        drop(inner);
        self.arriving(None);
        self.refuse(why);
    }

    /// The plant's next step of an upload. Gives the reply where it is there at once.
    pub fn offer(&self, step: Step) -> Option<Reply> {
        let mut inner = self.inner();
        if !inner.open {
            return Some(Reply::Ended(Box::new(Err(NotTaken::NoRecipes))));
        }
        let reply = inner.intake.offer(step);
        self.changed.notify_all();
        reply
    }

    /// The reply to the plant's step, once.
    pub fn heard(&self) -> Option<Reply> {
        self.inner().intake.heard()
    }

    /// The plant has gone, and with it what it had begun.
    pub fn left(&self) {
        self.inner().intake.leave();
        self.changed.notify_all();
    }

    /// The thread's reply to a step.
    pub fn reply(&self, reply: Reply) {
        self.inner().intake.reply(reply);
    }

    /// The thread has given an upload up.
    pub fn given_up(&self) {
        self.inner().intake.end();
        self.arriving(None);
    }

    /// How much of a bundle has come.
    pub fn arriving(&self, arriving: Option<Arriving>) {
        self.tell(|products| products.arriving = arriving);
    }

    /// The thread is to end.
    pub fn end(&self) {
        self.inner().ending = true;
        self.changed.notify_all();
    }

    /// Whether [`Exchange::end`] was called.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.inner().ending
    }

    /// Waits for something to do, for a time at most.
    pub fn task(&self, limit: Duration) -> Task {
        let idle = |inner: &mut Inner| !inner.ending && inner.wish.is_none() && !inner.intake.waits();
        let mut inner =
            self.changed.wait_timeout_while(self.inner(), limit, idle).unwrap_or_else(PoisonError::into_inner).0;
        if inner.ending {
            return Task::End;
        }
        // A line that changes over does not wait for a bundle that is still to come.
        let wish = inner.wish.take().map(Task::Change);
        wish.or_else(|| inner.intake.step().map(Task::Upload)).unwrap_or(Task::Look)
    }

    /// Which products there are.
    pub fn list(&self, list: Vec<Product>) {
        self.tell(|products| products.list = list);
    }

    /// SHA-256 of the bundle that a recipe had when the list was made.
    pub fn bundle_of(&self, number: u16) -> Option<[u8; 32]> {
        let inner = self.inner();
        Some(inner.products.numbered(number)?.bundle.as_ref().ok()?.sha256)
    }

    /// The line changes over.
    pub fn changing(&self, number: u16) {
        self.tell(|products| products.change = Change::Changing(number));
    }

    /// The line has changed over.
    pub fn changed(&self) {
        self.tell(|products| {
            if let Change::Changing(number) = products.change {
                (products.running, products.change) = (number, Change::Rest);
            }
        });
    }

    /// The product that was wished for runs already.
    pub fn rest(&self) {
        self.tell(|products| products.change = Change::Rest);
    }

    /// A change comes to nothing. Says why, where one was under way.
    pub fn refuse(&self, why: &str) {
        self.tell(|products| {
            if let Change::Preparing(number) | Change::Changing(number) = std::mem::take(&mut products.change) {
                products.refused = Some(Refusal { number, why: shortened(why, 400) });
            }
        });
    }
}

/// So many bytes of a text at most, whole letters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wish_at_a_time_is_heard_and_its_end_is_told() {
        let exchange = Exchange::default();
        assert!(!exchange.select(1), "nobody is there");
        assert_eq!(exchange.products(0), None);
        exchange.open(3);
        assert!(exchange.select(1));
        assert!(!exchange.select(2), "one is under way");
        assert_eq!(exchange.task(Duration::ZERO), Task::Change(1));
        assert_eq!(exchange.task(Duration::ZERO), Task::Look);
        exchange.changing(1);
        assert!(!exchange.select(2), "it still is");
        exchange.changed();
        let (version, products) = exchange.products(0).unwrap();
        assert_eq!((products.running, products.change), (1, Change::Rest));
        assert_eq!(exchange.products(version), None, "told once");
        exchange.changed();
        exchange.list(Vec::new());
        assert_eq!(exchange.products(version), None, "nothing has changed");

        assert!(exchange.select(2));
        exchange.refuse("no such bundle");
        let products = exchange.products(version).unwrap().1;
        assert_eq!((products.running, products.refused.unwrap().why.as_str()), (1, "no such bundle"));
        assert!(exchange.select(4), "and the next one is heard");
        assert_eq!(exchange.products(version).unwrap().1.refused, None);
        let begin = || Step::Begin(Default::default());
        assert_eq!(exchange.offer(begin()), None);
        assert_eq!(
            [exchange.task(Duration::ZERO), exchange.task(Duration::ZERO)],
            [Task::Change(4), Task::Upload(begin())]
        );
        exchange.rest();
        assert!(exchange.select_wired(6) && !exchange.select_wired(7), "one is under way");
        let wired = exchange.products(0).unwrap().1.wired;
        assert_eq!(wired, Some(Wired { count: 2, product: 7, before: 1, taken: false }));
        exchange.close("it died");
        let no_recipes = Some(Reply::Ended(Box::new(Err(NotTaken::NoRecipes))));
        assert_eq!(
            [exchange.heard(), exchange.offer(begin())],
            [no_recipes.clone(), no_recipes],
            "and nobody waits for it"
        );
        assert!(!exchange.select(5));
        exchange.end();
        assert_eq!(exchange.task(Duration::from_secs(60)), Task::End);
        assert_eq!(shortened("größer", 3), "gr");
    }
}
