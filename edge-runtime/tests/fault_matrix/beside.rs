//! The threads beside the line: each of them panics once, and what the station shows then.
//!
//! A display, readings of the board, slots of bundles and a black box whose devices panic; a clock that does, for the thread that feeds the
//! plant; and a log that does, for threads that ask nothing else of anybody.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edge_plant::wire::Basis;
use edge_runtime::blackbox::ring::Limits;
use edge_runtime::blackbox::{Header, Recorder, Settings, Tape};
use edge_runtime::bundle::slots::folder::New;
use edge_runtime::bundle::slots::{Place, Running, Slots};
use edge_runtime::health::alarms::Condition;
use edge_runtime::health::readings::{self, Heat, MilliCelsius, Reading, ReadingsThread, Watch};
use edge_runtime::hmi::screen::Status;
use edge_runtime::hw::board::display::PanelThread;
use edge_runtime::hw::clock::Monotonic;
use edge_runtime::hw::roles::{Clock, HwFault, Panel};
use edge_runtime::station::bundles::{self, Keeping, Link, Ready};
use edge_runtime::station::line::Seen;
use edge_runtime::station::plant::setter::Setter;
use edge_runtime::station::plant::{Feed, Wishes};
use shared::manifest::Precision;
use shared::units::Micros;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::faults::{FROM, Fault};
use super::rig;

/// What a line has beside it, of which one thread panics.
#[derive(Default)]
pub struct Beside {
    panel: Option<PanelThread>,
    readings: Option<(ReadingsThread, Watch)>,
    recorder: Option<Recorder>,
    plant: Option<Feed>,
    asked: bool,
}

impl Beside {
    /// What the fault needs.
    pub fn of(fault: Fault, folder: &Path) -> Self {
        match fault {
            Fault::RecordsPanic => arm("records"),
            Fault::PicturesPanic => arm("pictures"),
            _ => {}
        }
        Self {
            panel: (fault == Fault::DisplayPanics).then(panel),
            readings: (fault == Fault::ReadingsPanic).then(hot_after_a_panic),
            recorder: (fault == Fault::BlackBoxPanics).then(|| recorder(folder)),
            plant: (fault == Fault::PlantPanics).then(|| plant(folder)),
            asked: false,
        }
    }

    /// Where the line's threads note what happens.
    pub fn tape(&self) -> Tape {
        self.recorder.as_ref().map_or_else(Tape::none, Recorder::tape)
    }

    /// Shows a state, tells the plant, asks for a recording when it is time; gives the conditions that follow.
    pub fn look(&mut self, now: Micros, seen: &Seen<'_>) -> Vec<(Condition, bool)> {
        if now >= FROM && !std::mem::replace(&mut self.asked, true) {
            self.tape().keep("ASKED");
        }
        let mut conditions = Vec::new();
        if let Some(panel) = &self.panel {
            seen.news.into_iter().for_each(|status| panel.show(status.clone()));
            conditions.push((Condition::DisplayAway, panel.is_away()));
        }
        if let Some(plant) = &mut self.plant {
            plant.look(now, seen, None);
        }
        if let Some((readings, watch)) = &mut self.readings {
            if let Some(reading) = readings.take() {
                watch.step(&reading);
            }
            conditions.extend(watch.conditions());
        }
        conditions
    }
}

fn panel() -> PanelThread {
    struct Panics;
    impl Panel for Panics {
        fn show(&mut self, _: &Status) -> Result<(), HwFault> {
            panic!("a fault of the display's thread, provoked")
        }
    }
    PanelThread::start(|| Ok(Box::new(Panics) as Box<dyn Panel>), Monotonic::start()).unwrap()
}

/// The first reading panics; those behind it are of a board that is too hot.
fn hot_after_a_panic() -> (ReadingsThread, Watch) {
    let mut first = true;
    let read = move || {
        assert!(!std::mem::take(&mut first), "a fault of the readings' thread, provoked");
        let heat = Heat { zone: "cpu".to_owned(), temperature: MilliCelsius(95_000) };
        Reading { hottest: Some(heat), throttling: None, room: None }
    };
    let limits = readings::Limits { too_hot: MilliCelsius(80_000), least_free_bytes: 0 };
    (ReadingsThread::every(Duration::from_millis(200), read).unwrap(), Watch::new(limits))
}

fn recorder(folder: &Path) -> Recorder {
    let limits = Limits { longest: Micros::from_millis(120_000), most_bytes: 10_000_000 };
    let settings = Settings { limits, dir: folder.join("recordings"), files: 1, min_free_bytes: 0 };
    let header = Header {
        software: "test".to_owned(),
        why: String::new(),
        kept_at_us: 0,
        config: String::new(),
        judges: Vec::new(),
        float32: false,
        simulation: true,
    };
    Recorder::start(settings, header, || panic!("a fault of the black box's thread, provoked")).unwrap()
}

fn plant(folder: &Path) -> Feed {
    struct Panics(Monotonic);
    impl Clock for Panics {
        fn now(&self) -> Micros {
            let now = self.0.now();
            assert!(now < FROM || !disarm(), "a fault of the plant's thread, provoked");
            now
        }
    }
    arm("plant");
    let clock = Arc::new(Panics(Monotonic::start()));
    let setter = Setter { settings: None, precision: Precision::Int8 };
    let wishes = Wishes { basis: Basis::default(), setter, exchange: Arc::default() };
    let folder_name = folder.display().to_string();
    Feed::start(folder.join("plant.sock"), rig::start(), 1, folder_name, wishes, clock).unwrap()
}

/// Slots in which a bundle waits, and a thread that panics as it makes it ready.
pub fn slots(folder: &Path) -> Link {
    let slots = Slots::new(folder.join("slots"));
    let new =
        New { bytes: b"a bundle", sha256: [1; 32], created: 1, product: "cap", not_before: 0, allow_older: false };
    slots.install(&new).unwrap();
    let running = Running { place: Place::Factory, sha256: [0; 32] };
    let make_ready = |_: &Path| -> Result<Ready, String> { panic!("a fault of the bundles' thread, provoked") };
    let keeping = Keeping::new(slots, folder.join("factory.draem"), running, make_ready);
    let (link, work) = bundles::link(false);
    std::thread::spawn(move || keeping.work(&work));
    link
}

/// Threads whose next word in the log panics.
static ARMED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fn arm(thread: &'static str) {
    ARMED.lock().unwrap_or_else(PoisonError::into_inner).insert(thread);
}

/// Whether the calling thread is to panic, which is said once.
fn disarm() -> bool {
    let thread = std::thread::current();
    thread.name().is_some_and(|name| ARMED.lock().unwrap_or_else(PoisonError::into_inner).remove(name))
}

/// Threads that have not panicked although they were to.
pub fn still_armed() -> BTreeSet<&'static str> {
    ARMED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A log that panics where it is [armed](arm). It is the whole process's: lines that run at once must not arm the same thread, nor have
/// it log for another reason.
pub struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, _: &Event<'_>) {
        assert!(!disarm(), "a fault of the thread, provoked as it logs");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
