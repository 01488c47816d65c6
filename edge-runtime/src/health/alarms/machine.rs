//! Which alarms are active.
//!
//! Takes [`Happening`]s with their times; gives the rows that are active, the worst first. An alarm that latches stays until
//! somebody resets it after its cause has gone. It drives nothing and reads no clock.

use std::collections::VecDeque;

use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::record::Record;
use shared::units::{Micros, Travel};
use shared::verdict::{FAILURES, Reason, Verdict};

use super::happening::Happening;
use super::table::{ALARMS, Alarm, Row, alarm_of, alarm_of_drift};

/// Limits of what is watched, checked by `config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rejects one after the other that stop the line; 0 for any number.
    pub consecutive_rejects: u32,
    /// Parts that were not judged in time, one after the other, that stop the line; 0 for any number.
    pub consecutive_unjudged: u32,
    /// Rejects among the last [`RATE_WINDOW`] parts from which on people are warned; 0 for any number.
    pub rejects_in_hundred: u32,
    /// A reject must be seen behind the gate this soon after the gate has opened. `None` where nothing looks.
    pub confirm_within: Option<Micros>,
    /// The belt may be this far beyond a part's window before the gate begins to open: the gate still stands open when the part is
    /// there.
    pub gate_slack: Travel,
    /// A bin that is full for this long stops the line.
    pub bin_full_after: Micros,
}

/// Parts over which the share of rejects is taken.
pub const RATE_WINDOW: usize = 100;

/// Whether an alarm is active.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Active {
    /// Its cause is there.
    present: bool,
    /// It was there since the last reset, and the row latches.
    latched: bool,
    /// Since when it has been active, while it is.
    since: Micros,
}

impl Active {
    const fn is_on(&self) -> bool {
        self.present || self.latched
    }
}

/// An alarm that is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    /// Its row.
    pub row: Row,
    /// Its cause is there.
    pub present: bool,
    /// It stays until somebody resets it.
    pub latched: bool,
    /// Since when it has been active; of what is noticed late, since when it has been so.
    pub since: Micros,
}

/// The station's alarms.
///
/// # Invariants
/// The permit is given exactly while no active alarm's row stops the line.
#[derive(Debug, Clone)]
pub struct Alarms {
    limits: Limits,
    active: [Active; ALARMS.len()],
    /// The failure that stopped the line, until it is reset.
    failed: Option<(Reason, Micros)>,
    rejects: u32,
    unjudged: u32,
    /// The last parts, a bit each: rejected.
    window: u128,
    seen: usize,
    /// Openings of the gate that nothing has confirmed yet, oldest first.
    unconfirmed: VecDeque<Micros>,
    full_since: Option<Micros>,
}

/// Openings that may wait to be confirmed: more than can lie between gate and sensor.
const UNCONFIRMED: usize = MAX_PARTS_IN_FLIGHT;

impl Alarms {
    /// None is active.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            active: [Active::default(); ALARMS.len()],
            failed: None,
            rejects: 0,
            unjudged: 0,
            window: 0,
            seen: 0,
            unconfirmed: VecDeque::new(),
            full_since: None,
        }
    }

    /// Takes in what happened. Gives whether any alarm changed.
    pub fn step(&mut self, now: Micros, happening: Happening) -> bool {
        let before = (self.active, self.failed);
        match happening {
            Happening::Record(record) => self.record(&record),
            Happening::Time => {}
            Happening::Fired { beyond } => {
                if beyond > self.limits.gate_slack {
                    self.raise(Alarm::GateLate);
                }
                if self.limits.confirm_within.is_some() && self.unconfirmed.len() < UNCONFIRMED {
                    self.unconfirmed.push_back(now);
                }
            }
            Happening::Confirmed => drop(self.unconfirmed.pop_front()),
            Happening::BinFull(full) => self.full_since = full.then(|| self.full_since.unwrap_or(now)),
            Happening::Failed(reason) => self.failed = Some(self.failed.unwrap_or((reason, now))),
            Happening::Condition { condition, present } => self.set(alarm_of(condition), present),
            Happening::Drift { figure, since } => self.set(alarm_of_drift(figure), since.is_some()),
            Happening::Reset => self.reset(),
        }
        let full = self.full_since.is_some_and(|since| now.saturating_sub(since) >= self.limits.bin_full_after);
        self.set(Alarm::BinFull, full);
        if let (Some(within), Some(&oldest)) = (self.limits.confirm_within, self.unconfirmed.front())
            && now.saturating_sub(oldest) > within
        {
            self.unconfirmed.pop_front();
            self.raise(Alarm::RejectUnconfirmed);
        }
        let since = match happening {
            Happening::Drift { since: Some(since), .. } => since,
            _ => now,
        };
        let began = self.active.iter_mut().zip(before.0).filter(|(active, before)| active.is_on() && !before.is_on());
        began.for_each(|(active, _)| active.since = since);
        before != (self.active, self.failed)
    }

    /// Whether the line may run.
    #[must_use]
    pub fn permit(&self) -> bool {
        !self.rows().any(|row| row.stops())
    }

    /// Whether lamp or horn are on.
    #[must_use]
    pub fn output(&self) -> bool {
        !self.permit()
    }

    /// The worst active alarm.
    #[must_use]
    pub fn top(&self) -> Option<Row> {
        self.rows().next()
    }

    /// The row of every active alarm, the worst first.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.raised().map(|raised| raised.row)
    }

    /// Every active alarm, the worst first.
    pub fn raised(&self) -> impl Iterator<Item = Raised> + '_ {
        let failed = self.failed.map(|(reason, since)| {
            let failure = &FAILURES[reason as usize];
            let (code, line, lamp, remedy) = (failure.code, failure.line, failure.lamp, failure.remedy);
            Raised { row: Row { code, line, lamp, latched: true, remedy }, present: false, latched: true, since }
        });
        let active = self.active.iter().zip(ALARMS).filter(|(active, _)| active.is_on());
        let active = active.map(|(&Active { present, latched, since }, row)| Raised { row, present, latched, since });
        failed.into_iter().chain(active)
    }

    fn record(&mut self, record: &Record) {
        let raw = record.get();
        let rejected = !raw.passed;
        let unjudged =
            matches!(raw.verdict, Verdict::Uninspected(Reason::NotJudged | Reason::Late | Reason::InferBusy));
        self.rejects = if rejected { self.rejects.saturating_add(1) } else { 0 };
        self.unjudged = if unjudged { self.unjudged.saturating_add(1) } else { 0 };
        self.window = (self.window << 1) | u128::from(rejected);
        self.seen = self.seen.saturating_add(1).min(RATE_WINDOW);
        let Limits { consecutive_rejects, consecutive_unjudged, rejects_in_hundred, .. } = self.limits;
        if consecutive_rejects > 0 && self.rejects >= consecutive_rejects {
            self.rejects = 0;
            self.raise(Alarm::RejectsInARow);
        }
        if consecutive_unjudged > 0 && self.unjudged >= consecutive_unjudged {
            self.unjudged = 0;
            self.raise(Alarm::UnjudgedInARow);
        }
        let rejects = (self.window & ((1 << RATE_WINDOW) - 1)).count_ones();
        let many = rejects_in_hundred > 0 && self.seen >= RATE_WINDOW && rejects > rejects_in_hundred;
        self.set(Alarm::ManyRejects, many);
    }

    /// A cause that is over at once, and latches.
    fn raise(&mut self, alarm: Alarm) {
        self.active[alarm as usize].latched = true;
    }

    fn set(&mut self, alarm: Alarm, present: bool) {
        let active = &mut self.active[alarm as usize];
        active.present = present;
        active.latched |= present && ALARMS[alarm as usize].latched;
    }

    fn reset(&mut self) {
        self.failed = None;
        self.rejects = 0;
        self.unjudged = 0;
        for (active, row) in self.active.iter_mut().zip(ALARMS) {
            active.latched = active.present && row.latched;
        }
    }
}
