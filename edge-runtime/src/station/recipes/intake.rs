//! The steps of an upload, between the plant's thread and the one that takes bundles in.
//!
//! Takes a step from the plant and a reply from the thread, in turns; holds no more than one of each. A plant that goes away leaves an
//! order to give the upload up behind it. Knows no files and no lock: [`super::exchange`] has both sides hold one.

use edge_plant::wire::{NotTaken, Step, Uploaded};

/// What the thread says to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The next one may come.
    Go,
    /// It was the last one.
    Ended(Box<Result<Uploaded, NotTaken>>),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Turn {
    /// No upload is under way.
    #[default]
    Nobody,
    /// The plant's.
    Plant,
    /// The thread's.
    Thread,
    /// The plant has gone; the thread is to hear of it.
    Left,
}

/// An upload, or none.
#[derive(Debug, Default)]
pub struct Intake {
    turn: Turn,
    step: Option<Step>,
    reply: Option<Reply>,
}

impl Intake {
    /// Takes a step in. Gives the reply where the thread has nothing to do with it.
    pub fn offer(&mut self, step: Step) -> Option<Reply> {
        let refused = |why| Some(Reply::Ended(Box::new(Err(why))));
        match (step, self.turn) {
            (Step::Abandon, _) => {
                self.leave();
                Some(Reply::Go)
            }
            (step @ Step::Begin(_), Turn::Nobody) | (step @ (Step::Piece(_) | Step::Finish { .. }), Turn::Plant) => {
                (self.turn, self.step) = (Turn::Thread, Some(step));
                None
            }
            (Step::Begin(_), _) => refused(NotTaken::Busy),
            (Step::Piece(_) | Step::Finish { .. }, _) => refused(NotTaken::OutOfTurn),
        }
    }

    /// The plant says no more.
    pub fn leave(&mut self) {
        self.reply = None;
        if self.turn != Turn::Nobody {
            (self.turn, self.step) = (Turn::Left, Some(Step::Abandon));
        }
    }

    /// Whether there is something for the thread.
    pub const fn waits(&self) -> bool {
        self.step.is_some()
    }

    /// What there is for the thread.
    pub const fn step(&mut self) -> Option<Step> {
        self.step.take()
    }

    /// The thread's reply. Where nobody waits for it any more, an upload that has not ended by it is still to be given up.
    pub fn reply(&mut self, reply: Reply) {
        match (self.turn, &reply) {
            (Turn::Left, Reply::Ended(_)) => self.end(),
            (Turn::Left, Reply::Go) | (Turn::Nobody, _) => {}
            (Turn::Plant | Turn::Thread, Reply::Go) => (self.turn, self.reply) = (Turn::Plant, Some(reply)),
            (Turn::Plant | Turn::Thread, Reply::Ended(_)) => (self.turn, self.reply) = (Turn::Nobody, Some(reply)),
        }
    }

    /// The reply for the plant, once.
    pub const fn heard(&mut self) -> Option<Reply> {
        self.reply.take()
    }

    /// No upload is under way any more, whatever was said of it meanwhile.
    pub fn end(&mut self) {
        let unheard = (self.turn == Turn::Thread).then(|| Reply::Ended(Box::new(Err(NotTaken::OutOfTurn))));
        *self = Self { reply: unheard, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use edge_plant::wire::Offer;

    use super::*;

    fn begin() -> Step {
        Step::Begin(Offer::default())
    }

    fn ended(why: NotTaken) -> Reply {
        Reply::Ended(Box::new(Err(why)))
    }

    #[test]
    fn steps_and_replies_take_turns_and_a_second_upload_waits_for_the_end_of_the_first() {
        let mut intake = Intake::default();
        assert_eq!(intake.offer(Step::Piece(vec![1])), Some(ended(NotTaken::OutOfTurn)));
        assert_eq!(intake.offer(begin()), None);
        assert_eq!(intake.offer(Step::Piece(vec![1])), Some(ended(NotTaken::OutOfTurn)), "the thread has the turn");
        assert_eq!((intake.step(), intake.step()), (Some(begin()), None));
        intake.reply(Reply::Go);
        assert_eq!((intake.heard(), intake.heard()), (Some(Reply::Go), None));
        assert_eq!(intake.offer(begin()), Some(ended(NotTaken::Busy)));
        assert_eq!(intake.offer(Step::Piece(vec![2])), None);
        assert_eq!(intake.step(), Some(Step::Piece(vec![2])));
        intake.reply(ended(NotTaken::NotABundle));
        assert_eq!(intake.heard(), Some(ended(NotTaken::NotABundle)));
        assert_eq!(intake.offer(Step::Finish { sha256: [0; 32] }), Some(ended(NotTaken::OutOfTurn)));
        assert_eq!(intake.offer(begin()), None, "and the next one may begin");
    }

    #[test]
    fn who_goes_away_leaves_an_order_behind_and_hears_nothing_of_its_end() {
        for (reply, still) in [(Reply::Go, true), (ended(NotTaken::TooLarge), false)] {
            let mut intake = Intake::default();
            intake.offer(begin());
            assert_eq!(intake.step(), Some(begin()));
            intake.leave();
            assert_eq!(intake.offer(begin()), Some(ended(NotTaken::Busy)), "the thread has not heard of it");
            intake.reply(reply);
            assert_eq!((intake.waits(), intake.heard()), (still, None));
            assert_eq!(intake.step(), still.then_some(Step::Abandon));
            if still {
                intake.end();
            }
            assert_eq!(intake.offer(begin()), None);
        }
        let mut intake = Intake::default();
        intake.leave();
        assert!(!intake.waits(), "nothing was under way");
        intake.offer(begin());
        intake.step();
        intake.reply(ended(NotTaken::TooLarge));
        intake.leave();
        assert_eq!(intake.heard(), None, "nor does the next one hear of it");
        intake.offer(begin());
        intake.end();
        assert_eq!(intake.heard(), Some(ended(NotTaken::OutOfTurn)), "who said something meanwhile is answered");
    }
}
