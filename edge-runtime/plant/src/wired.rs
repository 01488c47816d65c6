//! Products that were chosen at the station's own inputs: written to the log when they are heard of.
//!
//! The station does what is wired to it with or without this process, so that here an entry comes behind the wish. What was chosen
//! while no station was connected is in the station's own records and journal alone.

use crate::line::Line;
use crate::link::Station;
use crate::log::{Journal, Note};
use crate::select::{CHANGEOVER, named};
use crate::wire::{Products, Wired};

/// Who an entry names.
pub const WIRED_INPUT: &str = "wired input";

/// Writes what is chosen at the inputs, as long as the station's connection is looked after.
pub async fn watch(station: Station, journal: Journal) {
    let mut line = station.watch();
    let mut heard = Heard::default();
    loop {
        let note = heard.of(&line.borrow_and_update());
        if let Some(note) = note {
            tracing::warn!(before = note.before, after = note.after, "a product was chosen at the station's inputs");
            // It is done already: nothing is held up by a log that cannot be written.
            if let Err(error) = journal.write(note).await {
                tracing::error!(%error, "what was chosen at the station's inputs cannot be written to the log");
            }
        }
        if line.changed().await.is_err() {
            return;
        }
    }
}

/// How many wishes are known, of which run.
#[derive(Debug, Default)]
struct Heard(Option<(i64, u32)>);

impl Heard {
    /// The entry of a wish that is not known yet. What a station tells first is what was before.
    fn of(&mut self, line: &Line) -> Option<Note> {
        let (run, products) = (line.greeting.as_ref()?.run, line.products.as_ref()?);
        let count = products.wired.map_or(0, |wired| wired.count);
        let before = self.0.replace((run, count)).filter(|(of, _)| *of == run).map(|(_, count)| count)?;
        let missed = count.wrapping_sub(before).checked_sub(1)?;
        products.wired.map(|wired| entry(products, wired, missed))
    }
}

/// `missed` wishes came too soon one after the other to be told each.
fn entry(products: &Products, Wired { product, before, taken, .. }: Wired, missed: u32) -> Note {
    let name = |number| named(products, number).unwrap_or(format!("{number} (no recipe)"));
    let mut after = name(product);
    if !taken {
        after += ": not taken: an earlier one is under way";
    }
    if missed > 0 {
        after += &format!(" ({missed} before it)");
    }
    let [who, role, what] = [WIRED_INPUT, "station", CHANGEOVER].map(str::to_owned);
    Note { who, role, what, before: name(before), after }
}

#[cfg(test)]
mod tests {
    use shared::units::{Micros, Score};

    use super::*;
    use crate::wire::{Greeting, Product};

    fn line(run: i64, wired: Option<(u32, u16, bool)>) -> Line {
        let product = |number, name: &str| Product {
            name: name.to_owned(),
            number: Some(number),
            bundle: Err("none".to_owned()),
        };
        let list = vec![product(0, "own"), product(7, "rings")];
        let wired = wired.map(|(count, product, taken)| Wired { count, product, before: 0, taken });
        let greeting = Some(Greeting {
            software: String::new(),
            station: String::new(),
            product: String::new(),
            bundle_sha256: [0; 32],
            threshold: Score::default(),
            run,
            simulation: true,
            store: String::new(),
            started_us: 0,
            clock_at_start: Micros(0),
        });
        Line { greeting, products: Some(Products { list, wired, ..Products::default() }), ..Line::default() }
    }

    #[test]
    fn each_wish_is_written_once_with_what_became_of_it() {
        let mut heard = Heard::default();
        let mut after = |line: Line| heard.of(&line).map(|note| (note.before, note.after));
        assert_eq!(after(Line::default()), None, "no station");
        assert_eq!(after(line(1, Some((4, 7, true)))), None, "it was before this process");
        assert_eq!(after(line(1, Some((4, 7, true)))), None);
        let note = |after: &str| Some(("0 own (-)".to_owned(), after.to_owned()));
        assert_eq!(after(line(1, Some((5, 7, true)))), note("7 rings (-)"));
        assert_eq!(after(line(1, Some((5, 7, true)))), None, "once");
        assert_eq!(after(Line::default()), None, "the station is away for a moment");
        assert_eq!(after(line(1, Some((6, 3, true)))), note("3 (no recipe)"));
        assert_eq!(
            after(line(1, Some((8, 7, false)))),
            note("7 rings (-): not taken: an earlier one is under way (1 before it)")
        );
        assert_eq!(after(line(2, None)), None, "another run counts anew");
        assert_eq!(after(line(2, Some((1, 7, true)))), note("7 rings (-)"));
    }
}
