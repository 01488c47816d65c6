//! The plant's thread with a real socket, on a clock that the test moves.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use edge_plant::wire::{self, Basis, Decoder, NotSet, PREFACE, Part, Standing, State, ToPlant, ToStation};
use shared::limits::PLANT_QUEUE;
use shared::manifest::Precision;
use shared::record::{RawRecord, Record};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};
use shared::wall::WallTime;

use super::feed::{Feed, Wishes};
use super::setter::Setter;
use crate::bundle::settings::Settings;
use crate::bundle::slots::Tally;
use crate::health::alarms::{ALARMS, Raised};
use crate::hmi::screen::{self, Status};
use crate::hw::roles::Clock;
use crate::stage::desk::{Counts, Departed, Departures};
use crate::stage::details::Details;
use crate::station::line::{Seen, Waiting};
use crate::store::{RunStart, Takeover};

/// A time that the test sets; beyond the end of time it panics.
struct Set(AtomicU64);

impl Clock for Set {
    fn now(&self) -> Micros {
        let now = self.0.load(Ordering::Relaxed);
        assert_ne!(now, u64::MAX, "the scripted clock panics");
        Micros(now)
    }
}

struct Station {
    folder: tempfile::TempDir,
    clock: Arc<Set>,
    feed: Feed,
}

fn score(value: f32) -> Score {
    Score::new(value).unwrap()
}

fn feed(socket: &Path, run: i64, clock: &Arc<Set>) -> Feed {
    let start = RunStart {
        started_at: WallTime(5_000_000),
        clock_at_start: Micros(1_000),
        station: "caps".to_owned(),
        product: "cap".to_owned(),
        bundle_sha256: CAPS,
        threshold: score(0.5),
        config_sha256: [0; 32],
        simulation: true,
        software: "0.1.0".to_owned(),
    };
    let basis = Basis { bundle_sha256: CAPS, own: score(0.5), may_be_set: true, ..Basis::default() };
    let settings = (run != FIXED).then(|| Settings::beside(socket.parent().unwrap()));
    let setter = Setter { settings, precision: Precision::Int8 };
    let wishes = Wishes { basis, setter, exchange: Arc::default() };
    Feed::start(socket.to_owned(), start, run, "/records".to_owned(), wishes, Arc::<Set>::clone(clock) as _).unwrap()
}

/// A run of a station that lets nobody set its threshold.
const FIXED: i64 = 8;

/// The bundle that judges from the start.
const CAPS: [u8; 32] = [3; 32];

impl Station {
    fn at(folder: tempfile::TempDir) -> Self {
        let clock = Arc::new(Set(AtomicU64::new(1_000)));
        let feed = feed(&folder.path().join("plant.sock"), 7, &clock);
        Self { folder, clock, feed }
    }

    fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("plant.sock")
    }

    fn set(&self, now: Micros) {
        self.clock.0.store(now.0, Ordering::Relaxed);
    }

    /// A turn of the loop in which parts left.
    fn turn(&mut self, now: Micros, departures: &Departures, alarms: &[Raised], news: Option<&Status>) {
        let seen = Seen {
            ready: true,
            camera_turns: 1,
            pictures_dropped: 4,
            judging_since: Some(Micros(now.0.saturating_sub(9))),
            gate_turns: now.0,
            store_failure: None,
            counts: Counts { bounced: 1, late: 2, fired: 3 },
            fire_errors: &[120],
            news,
            tally: Tally::default(),
            alarms,
            departures,
            waiting: Waiting { records: 5, pictures: 6, shots: 1, frames: 2 },
            changing: false,
            pictures_lost: 8,
        };
        self.feed.look(now, &seen, None);
    }
}

fn departed(number: u32, verdict: Verdict) -> Departed {
    let at = Micros(100_000 * u64::from(number));
    let raw = RawRecord {
        part: PartId(number),
        seen_at: at,
        seen_travel: Travel(30_000 * i64::from(number)),
        decided_at: at,
        verdict,
        passed: verdict.passes(),
        override_reason: None,
        late_verdict: None,
        simulation: true,
    };
    let details = Details { inference: Some(Micros(31_000)), ..Details::default() };
    Departed { record: Record::check(raw).unwrap(), details }
}

fn good(numbers: std::ops::Range<u32>) -> Departures {
    Departures { parts: numbers.map(|number| departed(number, Verdict::Good(score(0.25)))).collect(), untold: 0 }
}

/// A plant's process that reads.
struct Plant {
    stream: UnixStream,
    decoder: Decoder,
}

impl Plant {
    fn connect(socket: &Path) -> Self {
        // The thread opens the socket in its own time.
        let stream = std::iter::repeat_with(|| {
            std::thread::park_timeout(Duration::from_millis(1));
            UnixStream::connect(socket)
        });
        let stream = stream.take(60_000).find_map(Result::ok).expect("the station opens its socket");
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream, decoder: Decoder::default() }
    }

    fn next(&mut self) -> Option<ToPlant> {
        loop {
            if let Some(word) = self.decoder.message().unwrap() {
                return Some(word);
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(read) => self.decoder.push(&bytes[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Knocks until the one before has gone.
    fn greeted(socket: &Path) -> Self {
        for _ in 0..1_000 {
            let mut plant = Self::connect(socket);
            match plant.next() {
                Some(ToPlant::Greeting(greeting)) => {
                    assert!(matches!(greeting.run, 7 | FIXED));
                    assert!(matches!(plant.next(), Some(ToPlant::Basis(basis)) if basis.own == score(0.5)));
                    return plant;
                }
                None => {}
                other => panic!("{other:?}"),
            }
        }
        panic!("turned away again and again");
    }

    fn part(&mut self) -> Part {
        loop {
            match self.next() {
                Some(ToPlant::Part(part)) => return part,
                Some(ToPlant::Standing(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn standing(&mut self) -> Standing {
        loop {
            match self.next() {
                Some(ToPlant::Standing(standing)) => return *standing,
                Some(ToPlant::Part(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

const NOTHING: Departures = Departures { parts: Vec::new(), untold: 0 };

#[test]
fn a_plant_is_greeted_and_hears_of_parts_and_of_how_the_line_stands() {
    let mut station = Station::new();
    let mut plant = Plant::greeted(&station.socket());
    let mode = std::fs::symlink_metadata(station.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "nobody outside the station's group");
    let mut left = good(1..3);
    left.parts.push(departed(3, Verdict::Uninspected(Reason::NoFrame)));
    let status = Status { state: screen::State::Fault, product: "other".to_owned(), ..Status::default() };
    let raised = Raised { row: ALARMS[0], present: false, latched: true, since: Micros(3_000) };
    station.turn(Micros(500_000), &left, &[raised], Some(&status));
    let heard: Vec<_> = (0..3).map(|_| plant.part()).map(|part| (part.number.0, part.code(), part.wall_us)).collect();
    assert_eq!(heard, [(1, "GOOD", 5_099_000), (2, "GOOD", 5_199_000), (3, "NO_FRAME", 5_299_000)]);
    let standing = plant.standing();
    assert_eq!((standing.state, &*standing.product, standing.threshold), (State::Fault, "other", score(0.0)));
    let counters = standing.counters;
    assert_eq!((counters.parts, counters.passed, counters.reasons[Reason::NoFrame as usize]), (3, 2, 1));
    assert_eq!((counters.bounced, counters.late, counters.fired), (1, 2, 3));
    let alarm = &standing.alarms[0];
    assert_eq!((alarm.code.as_str(), alarm.latched, alarm.since_us), ("CAMERA_SILENT", true, 5_002_000));
    assert_eq!(standing.speed_um_s, Some(300_000), "30 mm in 100 ms");
    assert_eq!((standing.queues.records, standing.queues.frames, standing.drops.pictures), (5, 2, 8));
    assert_eq!((standing.ages.camera, standing.ages.gate, standing.ages.judging), (Micros(0), Micros(0), Micros(9)));
    assert_eq!((standing.latency.total(), standing.scores.total(), standing.fire_error.total()), (3, 2, 1));
    // Not more often than five times a second, and with what is known of threads that stand.
    for now in [600_000, 699_999, 700_000] {
        station.turn(Micros(now), &NOTHING, &[], None);
    }
    let standing = plant.standing();
    assert_eq!((standing.at, standing.ages.camera), (Micros(700_000), Micros(200_000)));
    assert!(standing.alarms.is_empty());
    assert_eq!(standing.state, State::Fault, "displays have not been told otherwise");
}

#[test]
fn an_acknowledgement_is_heard_once_and_answered() {
    let station = Station::new();
    let mut plant = Plant::greeted(&station.socket());
    let mut bytes = PREFACE.to_vec();
    for number in [4, 5] {
        wire::encode(&ToStation::Acknowledge { number }, &mut bytes).unwrap();
    }
    plant.stream.write_all(&bytes).unwrap();
    assert_eq!(plant.next(), Some(ToPlant::Answer { number: 4, taken: true }));
    assert_eq!(plant.next(), Some(ToPlant::Answer { number: 5, taken: false }), "the first is on its way still");
    assert!(station.feed.reset_wanted() && !station.feed.reset_wanted());
}

/// Asks for a threshold, and gives the answer.
fn set(plant: &mut Plant, number: u32, bundle_sha256: [u8; 32], threshold: Option<f32>) -> ToPlant {
    let mut bytes = if number == 1 { PREFACE.to_vec() } else { Vec::new() };
    let threshold = threshold.map(score);
    wire::encode(&ToStation::SetThreshold { number, bundle_sha256, threshold }, &mut bytes).unwrap();
    plant.stream.write_all(&bytes).unwrap();
    plant.next().unwrap()
}

#[test]
fn a_threshold_is_kept_before_it_is_answered_and_the_line_hears_of_the_newest() {
    let mut station = Station::new();
    let mut plant = Plant::greeted(&station.socket());
    let settings = Settings::beside(station.folder.path());
    let kept = |sha256: &[u8; 32]| settings.get(sha256, Precision::Int8).unwrap();
    assert_eq!(set(&mut plant, 1, CAPS, Some(0.3)), ToPlant::Answer { number: 1, taken: true });
    assert_eq!(set(&mut plant, 2, CAPS, Some(0.25)), ToPlant::Answer { number: 2, taken: true });
    assert_eq!(kept(&CAPS), Some(score(0.25)));
    let wanted = station.feed.threshold_wanted().unwrap();
    assert_eq!((&*wanted.product, wanted.sha256, wanted.threshold), ("cap", CAPS, score(0.25)));
    assert_eq!(station.feed.threshold_wanted(), None, "once");
    station.feed.took_over(&Takeover { number: 1, ..wanted }, None);
    station.turn(Micros(500_000), &NOTHING, &[], Some(&Status { threshold: score(0.25), ..Status::default() }));
    let standing = plant.standing();
    assert_eq!((standing.bundle, standing.threshold), (1, score(0.25)));

    for (number, sha256, threshold, why) in
        [(3, [4; 32], 0.4, NotSet::OtherBundle), (4, CAPS, 1.0, NotSet::NoThreshold)]
    {
        assert_eq!(set(&mut plant, number, sha256, Some(threshold)), ToPlant::Refused { number, why });
        assert_eq!((kept(&sha256), station.feed.threshold_wanted()), (kept(&sha256).filter(|_| sha256 == CAPS), None));
    }
    assert_eq!(set(&mut plant, 5, CAPS, None), ToPlant::Answer { number: 5, taken: true });
    assert_eq!((kept(&CAPS), station.feed.threshold_wanted().unwrap().threshold), (None, score(0.5)));

    // Asked for while another bundle takes over: it waits for the bundle that was meant.
    assert_eq!(set(&mut plant, 6, CAPS, Some(0.2)), ToPlant::Answer { number: 6, taken: true });
    let takeover =
        Takeover { number: 2, at: Micros(0), product: "lid".to_owned(), sha256: [4; 32], threshold: score(0.7) };
    let basis = Basis { bundle_sha256: [4; 32], own: score(0.7), may_be_set: true, ..Basis::default() };
    station.feed.took_over(&takeover, Some(basis.clone()));
    assert_eq!(station.feed.threshold_wanted(), None);
    station.turn(Micros(900_000), &NOTHING, &[], None);
    assert_eq!(plant.next(), Some(ToPlant::Basis(Box::new(basis))));
    assert_eq!(plant.standing().bundle, 2);
    assert_eq!(set(&mut plant, 7, [4; 32], Some(0.6)), ToPlant::Answer { number: 7, taken: true });
    assert_eq!((kept(&CAPS), kept(&[4; 32])), (Some(score(0.2)), Some(score(0.6))), "neither inherits the other's");

    // Where it cannot be kept, nothing is changed.
    let folder = station.folder.path().join("thresholds");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    drop(station.feed.threshold_wanted());
    assert_eq!(set(&mut plant, 8, [4; 32], Some(0.5)), ToPlant::Refused { number: 8, why: NotSet::NotKept });
    assert_eq!(station.feed.threshold_wanted(), None);
}

#[test]
fn a_station_that_lets_nobody_set_its_threshold_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Set(AtomicU64::new(1_000)));
    let feed = feed(&folder.path().join("plant.sock"), FIXED, &clock);
    let mut plant = Plant::greeted(&folder.path().join("plant.sock"));
    assert_eq!(set(&mut plant, 1, CAPS, Some(0.3)), ToPlant::Refused { number: 1, why: NotSet::Fixed });
    assert!(feed.threshold_wanted().is_none() && !folder.path().join("thresholds").exists());
}

#[test]
fn one_that_talks_nonsense_is_dropped_and_another_is_welcome() {
    let station = Station::new();
    let mut strange = Plant::greeted(&station.socket());
    strange.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(strange.next(), None);
    Plant::greeted(&station.socket());
    assert!(!station.feed.reset_wanted());
}

#[test]
fn a_second_plant_is_turned_away_as_long_as_the_first_lives() {
    let mut station = Station::new();
    let mut first = Plant::greeted(&station.socket());
    assert_eq!(Plant::connect(&station.socket()).next(), None);
    station.turn(Micros(2_000), &good(1..2), &[], None);
    assert_eq!(first.part().number, PartId(1));
}

#[test]
fn one_that_does_not_read_loses_parts_and_then_its_connection_while_the_loop_goes_on() {
    let mut station = Station::new();
    let mut slow = Plant::greeted(&station.socket());
    // Far more than socket and thread hold, in bites that the slot takes.
    let (mut number, mut now) = (1, 1_000);
    while number < 40_000 {
        station.turn(Micros(now), &good(number..number + 64), &[], None);
        number += 64;
        now += 1;
        std::thread::yield_now();
    }
    // It begins to read again in time: how many it has missed is said where they are missing.
    let (mut next, mut lost) = (1, 0);
    while next < 40_000 {
        match slow.next() {
            Some(ToPlant::Part(part)) => {
                assert_eq!(part.number.0, next);
                next += 1;
            }
            Some(ToPlant::Lost(count)) => {
                lost += count;
                next += u32::try_from(count).unwrap();
            }
            // No older than what waited together with it.
            Some(ToPlant::Standing(standing)) => {
                assert!(standing.counters.parts + PLANT_QUEUE as u64 >= u64::from(next) - 1);
            }
            other => panic!("{other:?}"),
        }
        // Parts that are lost at the end are told with the next one.
        station.turn(Micros(now), &good(number..number + 1), &[], None);
        number += 1;
        now += 1;
    }
    assert!(lost > 0);
    // It reads no more, for longer than anybody who lives: somebody else is welcome then.
    let other = (0..10_000).find_map(|_| {
        now += 1_000_000;
        station.set(Micros(now));
        for _ in 0..64 {
            station.turn(Micros(now), &good(number..number + PLANT_QUEUE as u32), &[], None);
            number += PLANT_QUEUE as u32;
            std::thread::yield_now();
        }
        Plant::connect(&station.socket()).next()
    });
    assert!(matches!(other, Some(ToPlant::Greeting(_))), "{other:?}");
    while let Some(word) = slow.next() {
        assert!(!matches!(word, ToPlant::Greeting(_)));
    }
}

#[test]
fn what_a_killed_station_left_behind_is_removed_and_what_another_has_open_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("plant.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let first = Station::at(folder);
    Plant::greeted(&socket);
    let second = feed(&socket, 8, &first.clock);
    for _ in 0..5 {
        Plant::greeted(&socket);
    }
    drop(second);
    Plant::greeted(&socket);
    let Station { folder, feed, .. } = first;
    drop(feed);
    assert!(!socket.exists(), "an end in order leaves nothing");
    drop(folder);
}

#[test]
fn a_thread_that_panics_leaves_the_loop_running() {
    let mut station = Station::new();
    let mut plant = Plant::greeted(&station.socket());
    station.set(Micros(u64::MAX));
    while plant.next().is_some() {}
    for turn in 0..10_000u32 {
        station.turn(Micros(u64::from(turn) * 100_000), &good(turn..turn + 1), &[], None);
    }
    assert!(!station.feed.reset_wanted());
}
