//! Which part is told next, which were told, and which never will be.
//!
//! Takes pages of the station's records and acknowledgements; gives records to be sent. Reads no file and no clock.
//!
//! Parts do not always leave in the order of their numbers: one that no trigger announced has a later number than those that it overtakes at
//! the gate. So what the broker has heard is the [`Mark`]: everything up to a number, and some numbers beyond it. A number that stays
//! away is counted as lost: when its run is over, or when [`BEYOND`] later ones were told.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::store::{Entry, Newest, Page};

/// Numbers that may be told beyond one that is missing: four times the parts that can be between trigger and gate, so that whoever is missing
/// then has no record. The mark's file holds as many.
pub const BEYOND: usize = 4 * shared::limits::MAX_PARTS_IN_FLIGHT;

/// Records of one page: what is told beyond a missing number comes again in each page, and there is room for as many new ones.
pub const PAGE: usize = 2 * BEYOND;

/// How far the broker has heard.
///
/// # Invariants
/// `beyond` holds numbers greater than `upto` + 1, at most [`BEYOND`] of them once a number was taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The run; 0 is before the first.
    pub run: i64,
    /// When it began, in microseconds since 1970: another store has other runs of the same numbers.
    pub started_us: i64,
    /// All parts up to this number are done with.
    pub upto: u32,
    /// Parts that are done with beyond it.
    pub beyond: BTreeSet<u32>,
    /// Parts that no message was or will be sent of.
    pub lost: u64,
}

/// What is to be asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Where the newest record stands, to begin behind it.
    Newest,
    /// Records of a run beyond a part.
    Page(Place),
}

/// A record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The run.
    pub run: i64,
    /// The part.
    pub part: u32,
}

/// What there is to be told.
///
/// # Invariants
/// What is queued and what is on its way is of the mark's run, and not done with.
#[derive(Debug)]
pub struct Backlog {
    mark: Option<Mark>,
    most: u64,
    queue: VecDeque<Entry>,
    flying: BTreeSet<u32>,
    waiting: u64,
}

impl Backlog {
    /// Goes on from a mark; without one, from the newest record that there is. `most` numbers wait at most, the newest.
    #[must_use]
    pub fn new(mark: Option<Mark>, most: u64) -> Self {
        Self { mark, most, queue: VecDeque::new(), flying: BTreeSet::new(), waiting: 0 }
    }

    /// How far the broker has heard, once that is known.
    #[must_use]
    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Numbers of parts that wait to be told, to be acknowledged, or for their record, as far as is known.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Parts that no message was or will be sent of.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.mark.as_ref().map_or(0, |mark| mark.lost)
    }

    /// Whether there is room for another page.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.queue.len() < BEYOND / 2
    }

    /// Whether the store has records that are neither queued nor on their way.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.waiting > (self.queue.len() + self.flying.len()) as u64
    }

    /// What to ask.
    #[must_use]
    pub fn question(&self) -> Question {
        self.mark.as_ref().map_or(Question::Newest, |mark| Question::Page(Place { run: mark.run, part: mark.upto }))
    }

    /// There is no mark yet: what is there already is not told.
    pub fn begin(&mut self, newest: Newest) {
        let Newest { run, started_us, part } = newest;
        self.mark.get_or_insert(Mark { run, started_us, upto: part, ..Mark::default() });
    }

    /// Takes in the answer to [`Question::Page`]. Gives whether the mark moved, so that the answer to the next question is another.
    pub fn found(&mut self, page: Page) -> bool {
        let Some(mark) = &mut self.mark else { return false };
        let (ours, later) = page.runs.split_at(page.runs.partition_point(|run| run.run <= mark.run));
        let ours = ours.last().filter(|ours| ours.run == mark.run);
        if mark.run != 0 && ours.is_none_or(|ours| ours.started_us != mark.started_us) {
            // Another store in this one's place: all of it is news, but for what is too much.
            *mark = Mark { lost: mark.lost, ..Mark::default() };
            self.away();
            return true;
        }
        let newest = ours.map_or(0, |ours| ours.part);
        let numbers: u64 =
            later.iter().map(|run| u64::from(run.part)).sum::<u64>() + u64::from(newest - newest.min(mark.upto));
        if numbers > self.most {
            if self.flying.is_empty() {
                mark.leave_out(numbers - self.most, newest, later);
            }
            // What is on its way is waited for.
            self.queue.clear();
            self.waiting = self.most;
            return self.flying.is_empty();
        }
        self.waiting = numbers.saturating_sub(mark.beyond.len() as u64);
        let known = |part: &u32| {
            mark.beyond.contains(part)
                || self.flying.contains(part)
                || self.queue.iter().any(|entry| entry.key.part == *part)
        };
        let (run, next) = (mark.run, later.first().copied());
        let is_news = |entry: &Entry| entry.key.run == run && entry.key.part > mark.upto && !known(&entry.key.part);
        let news: Vec<_> = page.parts.into_iter().filter(is_news).collect();
        self.queue.extend(news);
        self.queue.is_empty() && self.flying.is_empty() && self.close(page.ended, next)
    }

    /// Nothing is left of the mark's run: what is missing of one that is over will not come any more.
    fn close(&mut self, ended: bool, next: Option<Newest>) -> bool {
        let Some(mark) = &mut self.mark else { return false };
        if ended || next.is_some() {
            while mark.skip() {}
        }
        if let Some(next) = next {
            (mark.run, mark.started_us, mark.upto) = (next.run, next.started_us, 0);
        }
        next.is_some()
    }

    /// The next part to be sent, which is on its way from now on.
    pub fn send(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        self.flying.insert(entry.key.part);
        Some(entry)
    }

    /// The broker has a part.
    pub fn acknowledged(&mut self, place: Place) {
        let Some(mark) = &mut self.mark else { return };
        if mark.run != place.run || !self.flying.remove(&place.part) {
            return;
        }
        self.waiting = self.waiting.saturating_sub(1);
        mark.beyond.insert(place.part);
        mark.advance();
        if mark.beyond.len() > BEYOND {
            mark.skip();
        }
    }

    /// The connection is over: what was on its way is told again, and nothing is held meanwhile.
    pub fn away(&mut self) {
        (self.queue, self.flying) = (VecDeque::new(), BTreeSet::new());
    }
}

impl Mark {
    /// Gives the next so many numbers up: those of our run, up to its newest, and those of later ones.
    fn leave_out(&mut self, mut numbers: u64, newest: u32, later: &[Newest]) {
        let gone = numbers;
        let (mut told, mut newest) = (0, newest);
        for next in later {
            let left = u64::from(newest - newest.min(self.upto));
            if numbers <= left {
                break;
            }
            numbers -= left;
            told += self.beyond.len() as u64;
            self.beyond.clear();
            (self.run, self.started_us, self.upto, newest) = (next.run, next.started_us, 0, next.part);
        }
        self.upto = self.upto.saturating_add(u32::try_from(numbers).unwrap_or(u32::MAX));
        told += self.beyond.range(..=self.upto).count() as u64;
        self.lost = self.lost.saturating_add(gone.saturating_sub(told));
        self.advance();
    }

    /// Takes in the numbers that follow without a gap.
    fn advance(&mut self) {
        while self.upto.checked_add(1).is_some_and(|next| self.beyond.remove(&next)) {
            self.upto += 1;
        }
        // What is behind it already, after parts were left out.
        self.beyond = self.beyond.split_off(&self.upto);
        self.beyond.remove(&self.upto);
    }

    /// Gives the numbers before the first one beyond up. Gives whether there was a gap.
    fn skip(&mut self) -> bool {
        let Some(first) = self.beyond.first() else { return false };
        self.lost = self.lost.saturating_add(u64::from(first - self.upto - 1));
        self.upto = first - 1;
        self.advance();
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::outbox::tests::entry;
    use super::*;

    /// A store as it would answer: its runs, each with its beginning, its parts and whether it is over.
    #[derive(Debug, Default, Clone)]
    struct Store {
        runs: Vec<(i64, BTreeSet<u32>, bool)>,
    }

    impl Store {
        fn answer(&self, question: Question) -> Page {
            let Question::Page(Place { run, part: upto }) = question else { panic!("there is a mark") };
            let newest = |(run, parts, _): &(i64, BTreeSet<u32>, bool)| Newest {
                run: *run,
                started_us: run * 1_000,
                part: parts.last().copied().unwrap_or(0),
            };
            let ours = self.runs.iter().find(|(ours, ..)| *ours == run);
            let parts = ours.into_iter().flat_map(|(_, parts, _)| parts).filter(|part| **part > upto).take(PAGE);
            Page {
                runs: self.runs.iter().filter(|(later, ..)| *later >= run).map(newest).collect(),
                ended: ours.is_some_and(|(.., ended)| *ended),
                parts: parts.map(|part| entry(run, *part)).collect(),
            }
        }
    }

    fn ask(backlog: &mut Backlog, store: &Store) {
        while {
            let page = store.answer(backlog.question());
            backlog.found(page)
        } {}
    }

    fn sent(backlog: &mut Backlog) -> Vec<(i64, u32)> {
        std::iter::from_fn(|| backlog.send()).map(|entry| (entry.key.run, entry.key.part)).collect()
    }

    fn mark(run: i64, upto: u32) -> Mark {
        Mark { run, started_us: run * 1_000, upto, ..Mark::default() }
    }

    #[test]
    fn each_part_is_told_until_it_is_acknowledged_and_a_stray_one_too() {
        let mut store = Store { runs: vec![(3, [1, 2, 4].into(), false)] };
        let mut backlog = Backlog::new(None, 1_000);
        assert_eq!(backlog.question(), Question::Newest);
        backlog.begin(Newest { run: 3, started_us: 3_000, part: 1 });
        ask(&mut backlog, &store);
        assert_eq!(sent(&mut backlog), [(3, 2), (3, 4)], "the first was there before");
        ask(&mut backlog, &store);
        assert_eq!(sent(&mut backlog), [], "they are on their way");
        backlog.acknowledged(Place { run: 3, part: 4 });
        assert_eq!((backlog.mark().unwrap().upto, backlog.waiting()), (1, 2), "2, and 3 is missing");
        backlog.away();
        ask(&mut backlog, &store);
        assert_eq!(sent(&mut backlog), [(3, 2)], "again, since nobody acknowledged it");
        backlog.acknowledged(Place { run: 3, part: 2 });
        assert_eq!(backlog.mark().unwrap().upto, 2);
        store.runs[0].1.insert(3);
        ask(&mut backlog, &store);
        assert_eq!(sent(&mut backlog), [(3, 3)], "it left out of turn");
        backlog.acknowledged(Place { run: 3, part: 3 });
        assert_eq!((backlog.mark(), backlog.waiting()), (Some(&mark(3, 4)), 0));
    }

    #[test]
    fn a_part_without_a_record_is_lost_once_its_run_is_over_or_too_many_have_passed_it() {
        let mut store = Store { runs: vec![(3, [2, 4].into(), false)] };
        let mut backlog = Backlog::new(Some(mark(3, 0)), 10_000);
        let tell = |backlog: &mut Backlog, store: &Store| {
            ask(backlog, store);
            while !backlog.queue.is_empty() {
                for (run, part) in sent(backlog) {
                    backlog.acknowledged(Place { run, part });
                }
                ask(backlog, store);
            }
        };
        tell(&mut backlog, &store);
        assert_eq!((backlog.lost(), backlog.mark().unwrap().beyond.len()), (0, 2), "they may still come");
        store.runs[0].2 = true;
        store.runs.push((5, (1..=300).filter(|part| *part != 7).collect(), false));
        tell(&mut backlog, &store);
        assert_eq!(backlog.lost(), 3, "1 and 3 of run 3, and 7 of run 5, behind which more than {BEYOND} were told");
        assert_eq!((backlog.mark().unwrap().run, backlog.mark().unwrap().upto), (5, 300));
    }

    #[test]
    fn more_than_may_wait_are_left_out_and_counted_the_oldest_first() {
        let store = Store { runs: vec![(3, (1..=50).collect(), true), (4, (1..=80).collect(), false)] };
        let mut kept = mark(3, 10);
        kept.beyond = [12, 13].into();
        let mut backlog = Backlog::new(Some(kept.clone()), 100);
        ask(&mut backlog, &store);
        assert_eq!((backlog.lost(), backlog.waiting()), (20 - 2, 100), "31 to 50, and all of run 4");
        assert_eq!(sent(&mut backlog), (31..=50).map(|part| (3, part)).collect::<Vec<_>>());
        let mut backlog = Backlog::new(Some(kept), 30);
        ask(&mut backlog, &store);
        assert_eq!((backlog.lost(), backlog.mark().unwrap().run), (90 - 2, 4));
        assert_eq!(sent(&mut backlog), (51..=80).map(|part| (4, part)).collect::<Vec<_>>());
    }

    #[test]
    fn another_store_is_told_from_its_beginning() {
        let mut backlog = Backlog::new(Some(Mark { started_us: 7, lost: 5, ..mark(3, 40) }), 100);
        ask(&mut backlog, &Store { runs: vec![(3, [1, 2].into(), false)] });
        assert_eq!((sent(&mut backlog), backlog.lost()), (vec![(3, 1), (3, 2)], 5));
    }

    proptest! {
        /// Whatever comes in between: every part that has a record is acknowledged or counted, and no record is told that was acknowledged.
        #[test]
        fn nothing_is_lost_silently_and_nothing_that_was_acknowledged_is_told_again(
            steps in proptest::collection::vec((0u8..6, 1u32..40), 1..200),
            most in prop_oneof![Just(20u64), Just(1_000)],
        ) {
            let mut store = Store { runs: vec![(1, BTreeSet::new(), false)] };
            let mut backlog = Backlog::new(Some(mark(1, 0)), most);
            let (mut flying, mut told) = (Vec::new(), BTreeSet::new());
            let mut next = 1;
            for (step, number) in steps {
                match step {
                    // Parts leave, and not each in its turn.
                    0 => {
                        let newest = store.runs.last_mut().unwrap();
                        for part in (next..next + number).rev() {
                            newest.1.insert(part);
                        }
                        next += number;
                    }
                    1 => ask(&mut backlog, &store),
                    2 => flying.extend((0..number).map_while(|_| backlog.send()).map(|entry| entry.key)),
                    3 => for key in flying.drain(..flying.len().min(number as usize)) {
                        let place = Place { run: key.run, part: key.part };
                        prop_assert!(told.insert(place), "{:?} again", place);
                        backlog.acknowledged(place);
                    },
                    // The connection breaks, and half of the time the program ends too.
                    4 => {
                        flying.clear();
                        backlog.away();
                        if number % 2 == 0 {
                            backlog = Backlog::new(backlog.mark().cloned(), most);
                        }
                    }
                    _ => {
                        store.runs.last_mut().unwrap().2 = true;
                        let run = store.runs.len() as i64 + 1;
                        store.runs.push((run, BTreeSet::new(), false));
                        next = 1;
                    }
                }
            }
            backlog.away();
            ask(&mut backlog, &store);
            while !backlog.queue.is_empty() {
                for (run, part) in sent(&mut backlog) {
                    prop_assert!(told.insert(Place { run, part }), "{run} {part} again");
                    backlog.acknowledged(Place { run, part });
                }
                ask(&mut backlog, &store);
            }
            let all: usize = store.runs.iter().map(|(_, parts, _)| parts.len()).sum();
            prop_assert_eq!(told.len() as u64 + backlog.lost(), all as u64);
            prop_assert_eq!(backlog.waiting(), 0);
        }
    }
}
