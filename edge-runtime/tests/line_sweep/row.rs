//! What became of the parts of one shift, counted from what really happened and what was recorded.

use shared::verdict::{Reason, Verdict};

use super::rig::{Course, Outcome};

/// What became of the parts of one shift.
#[derive(Debug, Default)]
pub struct Row {
    pub parts: u32,
    pub defective: u32,
    /// Defective, and passed.
    pub missed: u32,
    /// Passed, and nothing says that it may.
    pub unproven: u32,
    /// Sound, and diverted.
    pub rejected: u32,
    pub late: u32,
    pub busy: u32,
    pub no_picture: u32,
    /// The reversed belt brought it back to the trigger.
    pub returned: u32,
    pub neighbour: u32,
    /// The trigger did not see it.
    pub unseen: u32,
    /// The station doubted where the belt is.
    pub in_doubt: u32,
    /// Recorded as passed, and diverted with what came too near.
    pub against: u32,
}

impl Row {
    pub fn of(outcome: &Outcome) -> Self {
        let mut row = Self::default();
        outcome.courses.iter().for_each(|course| row.count(course));
        row
    }

    fn count(&mut self, Course { departure, record }: &Course) {
        let (defective, diverted) = (departure.part.kind.is_some(), departure.diverted);
        let record = record.map(|record| *record.get());
        self.parts += 1;
        self.defective += u32::from(defective);
        self.missed += u32::from(defective && !diverted);
        self.unproven += u32::from(!diverted && !record.is_some_and(|record| record.passed));
        if defective || !diverted {
            return;
        }
        self.rejected += 1;
        let column = match record {
            None => &mut self.unseen,
            Some(record) if record.passed => &mut self.against,
            Some(record) if record.override_reason == Some(Reason::Neighbour) => &mut self.neighbour,
            Some(record) => match record.verdict {
                Verdict::Uninspected(Reason::NotJudged | Reason::Late) => &mut self.late,
                Verdict::Uninspected(Reason::InferBusy) => &mut self.busy,
                Verdict::Uninspected(Reason::NoFrame) => &mut self.no_picture,
                Verdict::Uninspected(Reason::DoubleTrigger) => &mut self.returned,
                Verdict::Uninspected(Reason::Boot | Reason::EncoderFault | Reason::UnknownPart) => &mut self.in_doubt,
                verdict => panic!("a sound part was rejected as {verdict:?}"),
            },
        };
        *column += 1;
    }
}
