//! What is sent next, and what follows from an acknowledgement.
//!
//! Takes what is known of the line, pages of the store's records, and the time as text or as [`WallTime`]; gives messages. Knows neither the
//! broker nor a clock, and holds a bounded number of messages in whatever state the broker is.

use std::collections::VecDeque;

use shared::wall::WallTime;

use super::alarms::{Alarms, ByCode, Event};
use super::backlog::{Backlog, Mark, Place, Question};
use super::payload::{self, json};
use super::topics::Topics;
use crate::line::{Line, Shown};
use crate::store::{Newest, Page};

/// Answers that wait: more commands at a time than people and plant give. Beyond it the oldest is left out.
const ANSWERS: usize = 8;

/// What the broker is told while the connection stands, and what it tells others once it does not.
pub const ONLINE: [&str; 2] = ["offline", "online"];

/// What an acknowledgement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// A part.
    Part(Place),
    /// An alarm's event, by its number.
    Alarm(u64),
    /// Nothing hangs on it: the newest is said again at the next connection.
    None,
}

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its whole topic.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it for whoever comes later.
    pub retain: bool,
    /// Whether the broker has to acknowledge it.
    pub assured: bool,
    /// What follows from that.
    pub receipt: Receipt,
}

/// What has been done, to be kept over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// How far parts were told; `None` where that is to begin with the newest.
    pub parts: Option<Mark>,
    /// Alarms that the broker heard of as raised.
    pub alarms: ByCode,
    /// Alarms' messages that were left out.
    pub lost_alarms: u64,
}

/// Everything that there is to be told.
#[derive(Debug)]
pub struct Outbox {
    topics: Topics,
    backlog: Backlog,
    alarms: Alarms,
    greeted: bool,
    state: Option<payload::State>,
    state_is_told: bool,
    /// Of the moment, told once: counters, and how much waits.
    figures: [Option<Message>; 2],
    answers: VecDeque<Message>,
}

impl Outbox {
    /// Goes on from what has been done. `most` parts may wait.
    #[must_use]
    pub fn new(topics: Topics, done: Done, most: u64) -> Self {
        Self {
            topics,
            backlog: Backlog::new(done.parts, most),
            alarms: Alarms::new(done.alarms, done.lost_alarms),
            greeted: false,
            state: None,
            state_is_told: false,
            figures: [None, None],
            answers: VecDeque::new(),
        }
    }

    /// The topics.
    #[must_use]
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// What has been done.
    #[must_use]
    pub fn done(&self) -> Done {
        Done {
            parts: self.backlog.mark().cloned(),
            alarms: self.alarms.told().clone(),
            lost_alarms: self.alarms.lost(),
        }
    }

    /// The line changed, or time passed.
    pub fn stand(&mut self, line: &Line, at: WallTime) {
        let state = payload::State::of(line, at);
        if self.state.as_ref().is_none_or(|before| !before.says_as(&state)) {
            (self.state, self.state_is_told) = (Some(state), false);
        }
        // Of a station that is not there, it is not known which alarms it has.
        if let Some(standing) = line.now().filter(|_| line.shown() != Shown::Unknown) {
            self.alarms.stand(&standing.alarms, &at.to_string());
        }
    }

    /// It is time for figures.
    pub fn count(&mut self, line: &Line, at: WallTime) {
        let newest = |name, payload| self.message(name, payload, Receipt::None);
        let counters = payload::Counters::of(line, at).map(|counters| newest("counters", json(&counters)));
        let told = payload::Told {
            time: at.to_string(),
            waiting: self.backlog.waiting(),
            lost_parts: self.backlog.lost(),
            lost_alarms: self.alarms.lost(),
        };
        self.figures = [counters, Some(newest("told", json(&told)))];
    }

    /// What became of a command.
    pub fn answer(&mut self, answer: &payload::Answer<'_>) {
        if self.answers.len() >= ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(self.message("answer", json(answer), Receipt::None));
    }

    /// Whether records are wanted.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.backlog.is_low()
    }

    /// Whether the store has records that were not asked for yet.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.backlog.has_more()
    }

    /// What to ask the store.
    #[must_use]
    pub fn question(&self) -> Question {
        self.backlog.question()
    }

    /// The answer to [`Question::Newest`].
    pub fn begin(&mut self, newest: Newest) {
        self.backlog.begin(newest);
    }

    /// The answer to [`Question::Page`]. Gives whether to ask again at once.
    pub fn found(&mut self, page: Page) -> bool {
        self.backlog.found(page)
    }

    /// The broker listens.
    pub fn connected(&mut self) {
        self.away();
        self.alarms.connected();
    }

    /// The connection is over.
    pub fn away(&mut self) {
        (self.greeted, self.state_is_told) = (false, false);
        self.backlog.away();
    }

    /// The next message.
    pub fn send(&mut self) -> Option<Message> {
        if !self.greeted {
            self.greeted = true;
            return Some(self.message("online", ONLINE[1].into(), Receipt::None));
        }
        if let Some(state) = self.state.as_ref().filter(|_| !self.state_is_told) {
            let message = self.message("state", json(state), Receipt::None);
            self.state_is_told = true;
            return Some(message);
        }
        if let Some(answer) = self.answers.pop_front() {
            return Some(answer);
        }
        if let Some(event) = self.alarms.send() {
            return Some(self.alarm(&event));
        }
        if let Some(figures) = self.figures.iter_mut().find_map(Option::take) {
            return Some(figures);
        }
        let entry = self.backlog.send()?;
        let place = Place { run: entry.key.run, part: entry.key.part };
        Some(self.message("part", json(&payload::Part::from(&entry)), Receipt::Part(place)))
    }

    /// The broker has a message.
    pub fn acknowledged(&mut self, receipt: Receipt) {
        match receipt {
            Receipt::Part(place) => self.backlog.acknowledged(place),
            Receipt::Alarm(number) => self.alarms.acknowledged(number),
            Receipt::None => {}
        }
    }

    fn alarm(&self, event: &Event) -> Message {
        let Event { number, time, code, raised, alarm } = event;
        let payload = payload::Alarm { time, code, raised: *raised, stops: alarm.stops, remedy: &alarm.remedy };
        let message = self.message("alarm/CODE", json(&payload), Receipt::Alarm(*number));
        Message { topic: self.topics.alarm(code), ..message }
    }

    /// As the table of topics has it.
    fn message(&self, name: &str, payload: Vec<u8>, receipt: Receipt) -> Message {
        let (retain, quality) = super::topics::of(name);
        Message { topic: self.topics.of(name), payload, retain, assured: quality > 0, receipt }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use shared::units::{Micros, Score};

    use super::*;
    use crate::store::{Entry, Key};
    use crate::wire::{Alarm, Basis, Greeting, Standing, State, ToPlant};

    /// A part's record.
    pub fn entry(run: i64, part: u32) -> Entry {
        Entry {
            key: Key { wall_us: 1_780_149_906_789_000, run, part },
            code: "NEIGHBOUR".to_owned(),
            passed: false,
            score: Some(f64::from(0.1_f32)),
            threshold: 0.25,
            product: "caps \"red\"".to_owned(),
            late: None,
            decided_after_us: 900_010,
            inference_us: Some(31_000),
            frame_residual_us: Some(-300),
            fire_error_us: None,
            simulation: true,
            pictured: false,
            bundle: Some(0),
            bundle_sha256: String::new(),
        }
    }

    const AT: WallTime = WallTime(1_780_149_906_789_000);

    fn page(parts: Vec<Entry>) -> Page {
        let part = parts.last().map_or(0, |entry| entry.key.part);
        Page { runs: vec![Newest { run: 3, started_us: 3_000, part }], ended: false, parts }
    }

    fn line() -> Line {
        let mut line = Line::default();
        line.hear(&ToPlant::Greeting(Greeting {
            software: "0.1.0".to_owned(),
            station: "Caps, north".to_owned(),
            product: "caps".to_owned(),
            bundle_sha256: [0xab; 32],
            threshold: Score::new(0.25).unwrap(),
            run: 3,
            simulation: true,
            store: String::new(),
            started_us: 0,
            clock_at_start: Micros(0),
        }));
        line.hear(&ToPlant::Basis(Box::new(Basis { bundle_sha256: [0xab; 32], ..Basis::default() })));
        let mut standing = Standing { state: State::Fault, product: "caps".to_owned(), ..Standing::default() };
        standing.threshold = Score::new(0.25).unwrap();
        (standing.counters.parts, standing.counters.passed, standing.counters.bad) = (10, 7, 1);
        (standing.counters.reasons[2], standing.counters.fired) = (2, 3);
        let (code, remedy) = ("BIN_FULL".to_owned(), "empty the bin".to_owned());
        standing.alarms = vec![Alarm { code, remedy, stops: true, present: true, latched: false, since_us: 0 }];
        line.hear(&ToPlant::Standing(Box::new(standing)));
        line
    }

    fn outbox() -> Outbox {
        let mark = Mark { run: 3, started_us: 3_000, ..Mark::default() };
        Outbox::new(Topics::new("draem", "north"), Done { parts: Some(mark), ..Done::default() }, 100)
    }

    /// What is sent now: topic, whether it is kept, quality, what it says.
    fn sent(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.send())
            .map(|message| {
                let kept = if message.retain { " kept" } else { "" };
                let payload = String::from_utf8(message.payload).unwrap();
                format!("{}{kept} {} {payload}", message.topic, u8::from(message.assured))
            })
            .collect()
    }

    #[test]
    fn what_is_said_is_said_in_these_words() {
        let (mut outbox, line) = (outbox(), line());
        outbox.stand(&line, AT);
        outbox.count(&line, AT);
        outbox.answer(&payload::Answer {
            time: AT.to_string(),
            command: "acknowledge",
            id: Some("7"),
            result: "acknowledged",
        });
        outbox.connected();
        outbox.found(page(vec![entry(3, 1)]));
        let expected = [
            r#"draem/north/online kept 1 online"#,
            r#"draem/north/state kept 1 {"time":"2026-05-30T14:05:06.789Z","line":"fault","station":"Caps, north","product":"caps","bundle":0,"bundle_sha256":"abababababababababababababababababababababababababababababababab","threshold":0.25,"run":3,"simulation":true,"software":"0.1.0"}"#,
            r#"draem/north/answer 1 {"time":"2026-05-30T14:05:06.789Z","command":"acknowledge","id":"7","result":"acknowledged"}"#,
            r#"draem/north/alarm/BIN_FULL kept 1 {"time":"2026-05-30T14:05:06.789Z","code":"BIN_FULL","raised":true,"stops":true,"remedy":"empty the bin"}"#,
            r#"draem/north/counters kept 0 {"time":"2026-05-30T14:05:06.789Z","run":3,"parts":10,"passed":7,"bad":1,"reasons":{"NO_FRAME":2},"late":0,"bounced":0,"fired":3}"#,
            r#"draem/north/told kept 0 {"time":"2026-05-30T14:05:06.789Z","waiting":0,"lost_parts":0,"lost_alarms":0}"#,
            r#"draem/north/part 1 {"run":3,"part":1,"time":"2026-05-30T14:05:06.789Z","code":"NEIGHBOUR","passed":false,"score":0.1,"threshold":0.25,"product":"caps \"red\"","bundle":0,"late_verdict":null,"decided_after_us":900010,"inference_us":31000,"frame_residual_us":-300,"fire_error_us":null,"simulation":true}"#,
        ];
        let said = sent(&mut outbox);
        assert_eq!(said, expected);
        assert_eq!(sent(&mut outbox), [""; 0]);
        let mut keys = Vec::new();
        for (topic, payload) in said.iter().filter_map(|text| text.split_once(" {")) {
            let topic = topic.split(['/', ' ']).nth(2).unwrap();
            let payload: serde_json::Value = serde_json::from_str(&format!("{{{payload}")).unwrap();
            keys.extend(payload.as_object().unwrap().keys().map(|key| (topic.to_owned(), key.clone())));
        }
        let mut documented: Vec<_> =
            payload::KEYS.iter().map(|(topic, key, _)| ((*topic).to_owned(), (*key).to_owned())).collect();
        keys.sort();
        documented.sort();
        assert_eq!(keys, documented, "the manual's table has each key");
    }

    #[test]
    fn another_connection_hears_what_was_not_acknowledged_and_how_it_stands_now() {
        let (mut outbox, mut line) = (outbox(), line());
        outbox.stand(&line, AT);
        outbox.connected();
        outbox.found(page(vec![entry(3, 1), entry(3, 2)]));
        let first: Vec<_> = std::iter::from_fn(|| outbox.send()).collect();
        for message in &first[..first.len() - 1] {
            outbox.acknowledged(message.receipt);
        }
        line.gone("it ended".to_owned());
        outbox.stand(&line, WallTime(AT.0 + 1));
        outbox.away();
        outbox.connected();
        outbox.found(page(vec![entry(3, 2)]));
        let sent = sent(&mut outbox);
        let heads: Vec<_> = sent.iter().map(|text| text.split(' ').next().unwrap()).collect();
        assert_eq!(heads, ["online", "state", "alarm/BIN_FULL", "part"].map(|name| format!("draem/north/{name}")));
        assert!(sent[1].contains(r#""line":"unknown","station":null,"product":null"#), "{}", sent[1]);
        assert!(sent[2].contains(r#""raised":true"#), "of a station that is gone no alarm is cleared");
        assert!(sent[3].contains(r#""part":2,"#));
        let done = outbox.done();
        assert_eq!((done.parts.unwrap().upto, done.alarms.len()), (1, 1));
    }

    #[test]
    fn more_commands_than_anybody_gives_do_not_fill_the_memory() {
        let mut outbox = outbox();
        for number in 0..1_000 {
            let id = number.to_string();
            let answer =
                payload::Answer { time: String::new(), command: "acknowledge", id: Some(&id), result: "refused" };
            outbox.answer(&answer);
        }
        outbox.connected();
        let sent = sent(&mut outbox);
        assert_eq!(sent.len(), 1 + ANSWERS);
        assert!(sent[ANSWERS].contains("\"999\""));
    }
}
