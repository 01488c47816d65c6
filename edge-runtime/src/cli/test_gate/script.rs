//! The steps of the test, one after the other.
//!
//! Takes answers, the confirm sensor's word and time; gives what to say, to ask and to move. It moves nothing itself and reads no clock.
//! When it is stepped late, the gate diverts for longer.

use serde::Serialize;
use shared::units::Micros;

/// What the line is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The gate diverts for so long, as for one part.
    pub pulse: Micros,
    /// A sensor behind the gate must answer this soon; `None` where there is none.
    pub confirm_within: Option<Micros>,
    /// The station can keep the belt from running.
    pub run_ok: bool,
    /// There is a lamp or horn.
    pub alarm: bool,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Nobody comes to harm.
    Clear,
    /// The safe state, before the gate is under control.
    Safe,
    /// Parts would pass.
    Passing,
    /// The gate may move now.
    Fire,
    /// It has moved.
    Fired,
    /// The outputs were let go.
    Emergency,
    /// The belt could not run at any time.
    Stood,
}

/// What comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A person is there, and no line is taken yet.
    Begin,
    /// The person says yes or no to what was asked last.
    Answer(bool),
    /// The sensor behind the gate saw something, at this time.
    Confirmed(Micros),
    /// Time has passed.
    Time,
}

/// What to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// The lines are taken, with the outputs in their safe state.
    Hold,
    /// No permit, alarm on.
    Forbid,
    /// The gate leaves its safe state and lets parts pass.
    Control,
    /// It diverts.
    Divert,
    /// It lets parts pass again.
    Pass,
    /// All outputs are let go.
    LetGo,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Say(String),
    Ask(String),
    Move(Move),
    /// Nothing comes any more.
    End,
}

/// What was asked and answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    pub step: Step,
    /// What the person read.
    pub asked: String,
    pub yes: bool,
    /// When, from the beginning of the test.
    pub after_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Asking(Step, String),
    Firing { pass_at: Option<Micros>, until: Micros },
    Done,
}

/// The course of one test.
///
/// # Invariants
/// Nothing is held before a person has said that nobody comes to harm. Between [`Move::Divert`] and [`Move::Pass`] nothing is asked, so
/// that no slow answer lengthens the pulse. The permit is never given.
#[derive(Debug, Clone)]
pub(super) struct Script {
    plan: Plan,
    stage: Stage,
    began: Micros,
    fired: Option<Micros>,
    confirmed: Option<Micros>,
    answers: Vec<Answer>,
    refused: bool,
}

impl Script {
    pub fn new(plan: Plan) -> Self {
        let (fired, confirmed, answers) = (None, None, Vec::new());
        Self { plan, stage: Stage::Done, began: Micros(0), fired, confirmed, answers, refused: false }
    }

    /// Takes an event in. Gives what to do, in order.
    pub fn step(&mut self, at: Micros, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match (event, self.stage.clone()) {
            (Event::Begin, _) => {
                self.began = at;
                self.ask(Step::Clear, &mut actions);
            }
            (Event::Answer(yes), Stage::Asking(step, asked)) => {
                let after_ms = at.saturating_sub(self.began).0 / 1_000;
                self.answers.push(Answer { step, asked, yes, after_ms });
                self.answered(at, step, yes, &mut actions);
            }
            // What the sensor saw before the command was something else.
            (Event::Confirmed(when), Stage::Firing { .. }) if self.fired.is_some_and(|fired| when >= fired) => {
                self.confirmed = self.confirmed.or(Some(when));
            }
            _ => {}
        }
        self.due(at, &mut actions);
        actions
    }

    /// When time is to be told at the latest. The end of time while a person is waited for.
    pub fn step_at(&self) -> Micros {
        match self.stage {
            Stage::Firing { pass_at, until } => pass_at.unwrap_or(until),
            _ => Micros(u64::MAX),
        }
    }

    /// Whether a person is waited for.
    pub fn asks(&self) -> bool {
        matches!(self.stage, Stage::Asking(..))
    }

    /// From the gate's command to the sensor behind it.
    pub fn confirmed_after(&self) -> Option<Micros> {
        Some(self.confirmed?.saturating_sub(self.fired?))
    }

    /// Every answer so far.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// Whether every step was seen as it must be. False until the last.
    pub fn passed(&self) -> bool {
        let confirmed = self.plan.confirm_within.is_none() || self.confirmed.is_some();
        let over = self.stage == Stage::Done && self.fired.is_some() && !self.refused;
        over && confirmed && self.answers.iter().all(|answer| answer.yes)
    }

    /// Whether a person did not let the gate move.
    pub fn refused(&self) -> bool {
        self.refused
    }

    fn answered(&mut self, at: Micros, step: Step, yes: bool, actions: &mut Vec<Action>) {
        match step {
            Step::Clear | Step::Fire if !yes => {
                self.refused = true;
                self.stage = Stage::Done;
                actions.extend([Action::Move(Move::LetGo), Action::End]);
            }
            Step::Clear => {
                actions.extend([Action::Move(Move::Hold), Action::Move(Move::Forbid)]);
                self.ask(Step::Safe, actions);
            }
            Step::Safe => {
                actions.push(Action::Move(Move::Control));
                self.ask(Step::Passing, actions);
            }
            Step::Passing => self.ask(Step::Fire, actions),
            Step::Fire => {
                actions.push(Action::Move(Move::Divert));
                self.fired = Some(at);
                let pass_at = at.saturating_add(self.plan.pulse);
                let until = at.saturating_add(self.plan.confirm_within.unwrap_or_default()).max(pass_at);
                self.stage = Stage::Firing { pass_at: Some(pass_at), until };
            }
            Step::Fired => {
                actions.push(Action::Move(Move::LetGo));
                self.ask(Step::Emergency, actions);
            }
            Step::Emergency if self.plan.run_ok => self.ask(Step::Stood, actions),
            Step::Emergency | Step::Stood => {
                self.stage = Stage::Done;
                actions.push(Action::End);
            }
        }
    }

    fn due(&mut self, at: Micros, actions: &mut Vec<Action>) {
        let Stage::Firing { pass_at, until } = self.stage else { return };
        if let Some(pass_at) = pass_at {
            if at < pass_at {
                return;
            }
            actions.push(Action::Move(Move::Pass));
            self.stage = Stage::Firing { pass_at: None, until };
        }
        let waits = self.plan.confirm_within.is_some() && self.confirmed.is_none();
        if waits && at < until {
            return;
        }
        if let Some(within) = self.plan.confirm_within {
            actions.push(Action::Say(match self.confirmed_after() {
                Some(after) => {
                    format!("The sensor behind the gate answered {:.1} ms after the command.", after.as_millis_f64())
                }
                None => format!("The sensor behind the gate did not answer within {:.0} ms.", within.as_millis_f64()),
            }));
        }
        self.ask(Step::Fired, actions);
    }

    fn ask(&mut self, step: Step, actions: &mut Vec<Action>) {
        let question = self.question(step);
        actions.push(Action::Ask(question.clone()));
        self.stage = Stage::Asking(step, question);
    }

    fn question(&self, step: Step) -> String {
        let belt = if self.plan.run_ok { " The belt cannot be started." } else { "" };
        let alarm = if self.plan.alarm { " The alarm is on." } else { "" };
        let pulse = format!("{:.0} ms", self.plan.pulse.as_millis_f64());
        match step {
            Step::Clear => {
                "Does the belt stand, are hands and tools away from the gate, and has the gate its air or power?"
                    .to_owned()
            }
            Step::Safe => format!(
                "The outputs are in their safe state. What must be seen: the gate DIVERTS.{belt}{alarm} Is it so?"
            ),
            Step::Passing => {
                format!("The gate is under control. What must be seen: the gate lets parts PASS.{belt} Is it so?")
            }
            Step::Fire => {
                let part = match self.plan.confirm_within {
                    Some(_) => "Lay a part where the gate takes it past the sensor. ",
                    None => "",
                };
                format!("{part}At y the gate moves, once and for {pulse}. Fire?")
            }
            Step::Fired => {
                format!("What must have been seen: the gate diverted ONCE, for {pulse}, and went back. Was it so?")
            }
            Step::Emergency => format!(
                "The outputs have been let go, as when the program dies. What must be seen: the gate DIVERTS, and \
                 stays so.{belt}{alarm} Is it so?"
            ),
            Step::Stood => "Did the belt stand all the while, whatever button was pressed?".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        pulse: Micros::from_millis(250),
        confirm_within: Some(Micros::from_millis(2_000)),
        run_ok: true,
        alarm: true,
    };

    /// What is done after each event, at its time in milliseconds: moves by name, questions by `?`, words by `!`.
    fn course(script: &mut Script, course: &[(u64, Event, &str)]) {
        for &(at, event, expected) in course {
            let done: Vec<String> = script
                .step(Micros::from_millis(at), event)
                .into_iter()
                .map(|action| match action {
                    Action::Say(_) => "!".to_owned(),
                    Action::Ask(_) => "?".to_owned(),
                    Action::Move(what) => format!("{what:?}"),
                    Action::End => "End".to_owned(),
                })
                .collect();
            assert_eq!(done.join(" "), expected, "at {at}, {event:?}");
        }
    }

    const YES: Event = Event::Answer(true);
    const NO: Event = Event::Answer(false);

    fn confirmed(at: u64) -> Event {
        Event::Confirmed(Micros::from_millis(at))
    }

    #[test]
    fn a_gate_that_does_all_it_must_passes() {
        let mut script = Script::new(PLAN);
        course(
            &mut script,
            &[
                (0, Event::Begin, "?"),
                (1_000, YES, "Hold Forbid ?"),
                (1_500, confirmed(1_500), ""),
                (2_000, YES, "Control ?"),
                (3_000, YES, "?"),
                (4_000, YES, "Divert"),
                (4_050, NO, ""),
                (4_100, confirmed(3_999), ""),
                (4_120, confirmed(4_120), ""),
                (4_249, Event::Time, ""),
                (4_250, Event::Time, "Pass ! ?"),
                (5_000, YES, "LetGo ?"),
                (6_000, YES, "?"),
                (7_000, YES, "End"),
            ],
        );
        assert!(script.passed());
        assert_eq!(script.confirmed_after(), Some(Micros::from_millis(120)));
        let steps: Vec<_> = script.answers().iter().map(|answer| (answer.step, answer.after_ms)).collect();
        assert_eq!(steps[0], (Step::Clear, 1_000));
        assert_eq!(steps[6], (Step::Stood, 7_000));
    }

    #[test]
    fn a_sensor_that_answers_behind_the_pulse_counts_and_one_that_is_silent_fails() {
        let begin = [
            (0, Event::Begin, "?"),
            (0, YES, "Hold Forbid ?"),
            (0, YES, "Control ?"),
            (0, YES, "?"),
            (1_000, YES, "Divert"),
        ];
        let end = [(9_000, YES, "LetGo ?"), (9_000, YES, "?"), (9_000, YES, "End")];
        let mut late = Script::new(PLAN);
        course(&mut late, &begin);
        course(&mut late, &[(1_250, Event::Time, "Pass"), (2_000, Event::Time, ""), (2_500, confirmed(2_400), "! ?")]);
        course(&mut late, &end);
        assert_eq!((late.passed(), late.confirmed_after()), (true, Some(Micros::from_millis(1_400))));
        let mut silent = Script::new(PLAN);
        course(&mut silent, &begin);
        assert_eq!(silent.step_at(), Micros::from_millis(1_250));
        course(&mut silent, &[(1_260, Event::Time, "Pass")]);
        assert_eq!(silent.step_at(), Micros::from_millis(3_000));
        course(&mut silent, &[(3_000, Event::Time, "! ?")]);
        course(&mut silent, &end);
        assert!(!silent.passed());
    }

    #[test]
    fn without_sensor_and_permit_there_are_fewer_questions() {
        let mut script = Script::new(Plan { confirm_within: None, run_ok: false, alarm: false, ..PLAN });
        course(
            &mut script,
            &[
                (0, Event::Begin, "?"),
                (0, YES, "Hold Forbid ?"),
                (0, YES, "Control ?"),
                (0, YES, "?"),
                (0, YES, "Divert"),
                (300, Event::Time, "Pass ?"),
                (300, YES, "LetGo ?"),
                (300, YES, "End"),
            ],
        );
        assert!(script.passed());
        assert!(script.answers().iter().all(|answer| !answer.asked.contains("belt cannot")));
    }

    #[test]
    fn who_does_not_agree_moves_nothing_and_what_was_not_seen_fails() {
        let mut refused = Script::new(PLAN);
        course(&mut refused, &[(0, Event::Begin, "?"), (0, NO, "LetGo End"), (0, YES, "")]);
        assert!(refused.refused() && !refused.passed());
        let mut at_fire = Script::new(PLAN);
        let course_to_fire = [
            (0, Event::Begin, "?"),
            (0, YES, "Hold Forbid ?"),
            (0, YES, "Control ?"),
            (0, YES, "?"),
            (0, NO, "LetGo End"),
        ];
        course(&mut at_fire, &course_to_fire);
        assert!(at_fire.refused() && !at_fire.passed());
        let mut unseen = Script::new(PLAN);
        course(
            &mut unseen,
            &[
                (0, Event::Begin, "?"),
                (0, YES, "Hold Forbid ?"),
                (0, NO, "Control ?"),
                (0, YES, "?"),
                (0, YES, "Divert"),
                (0, confirmed(0), ""),
                (250, Event::Time, "Pass ! ?"),
                (250, YES, "LetGo ?"),
                (250, YES, "?"),
                (250, YES, "End"),
            ],
        );
        assert!(!unseen.passed() && !unseen.refused());
    }
}
