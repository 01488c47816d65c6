//! A station's program with its folder: configuration, keys, slots, records.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use edge_runtime::bundle::slots::{Slots, State};
use edge_runtime::store::Reader;
use rustix::process::{Pid, Signal, kill_process};
use shared::key_text::PublicKeyText;

use super::seal::{demo, key};

/// A wait that lasts longer means that what is waited for never comes.
const PATIENCE: u32 = 180_000;

/// Pause between two looks, in milliseconds.
const LOOK: u32 = 50;

/// A folder with a station's configuration.
pub struct Station {
    folder: tempfile::TempDir,
}

impl Station {
    /// A fast belt of sound caps without faults, and keys 1 to be trusted beside the demonstration's.
    pub fn new() -> Self {
        Self::of("slots = \"slots\"\n", "")
    }

    /// The same with recipes in place of slots, and a socket for a plant's process.
    pub fn with_recipes() -> Self {
        Self::of("", "[recipes]\ndir = \"recipes\"\n\n[plant]\nsocket = \"plant.sock\"\n\n")
    }

    /// With these lines in the section `[model]`, and these sections.
    fn of(model: &str, sections: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::copy(demo("cap-nano.draem"), at("factory.draem")).unwrap();
        std::fs::copy(demo("demo.pub"), at("demo.pub")).unwrap();
        std::fs::write(at("one.pub"), PublicKeyText(key(1).verifying_key()).to_string()).unwrap();
        let mut text = include_str!("../../config/sim.toml").to_owned();
        let bundle = format!("bundle = \"factory.draem\"\n{model}");
        let line = format!("\n{sections}[line]\n");
        for (from, to) in [
            ("bundle = \"../../models/demo/cap-nano.draem\"\n", bundle.as_str()),
            ("\n[line]\n", line.as_str()),
            ("trust = [\"../../models/demo/demo.pub\"]", "trust = [\"demo.pub\", \"one.pub\"]"),
            ("dir = \"../../target/audit\"", "dir = \"audit\""),
            ("parts = 1000\n", "parts = 100000\n"),
            ("defect_rate = 0.05", "defect_rate = 0.0"),
            ("stops_per_minute = 1.0", "stops_per_minute = 0.0"),
            ("missing_frame = 0.004", "missing_frame = 0.0"),
            ("bounce = 0.01", "bounce = 0.0"),
            ("missed_trigger = 0.002", "missed_trigger = 0.0"),
        ] {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        std::fs::write(at("station.toml"), text).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn slots(&self) -> Slots {
        Slots::new(self.path("slots"))
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-runtime"));
        command.arg(name).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// A command with the station's configuration, to its end.
    pub fn call(&self, name: &str, arguments: &[&str]) -> Output {
        self.command(name).args(["--config", "station.toml"]).args(arguments).output().unwrap()
    }

    /// Writes something behind what the configuration says.
    pub fn append(&self, text: &str) {
        let before = std::fs::read_to_string(self.path("station.toml")).unwrap();
        std::fs::write(self.path("station.toml"), before + text).unwrap();
    }

    /// Writes a bundle and installs it. Gives exit code and standard error.
    pub fn install(&self, bytes: &[u8], arguments: &[&str]) -> (i32, String) {
        std::fs::write(self.path("new.draem"), bytes).unwrap();
        let output = self.call("install-bundle", &[&["new.draem"], arguments].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// A line that runs.
    pub fn start(&self) -> Line<'_> {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command("run");
        command.args(["--config", "station.toml", "--real-time"]).stdout(Stdio::null()).stderr(log);
        Line { station: self, child: command.spawn().unwrap() }
    }

    /// A line of so many parts, to its end.
    pub fn shift(&self, parts: u32) {
        let output = self.call("run", &["--real-time", "--parts", &parts.to_string()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What the station said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// SHA-256 of the bundle with which the last run began.
    pub fn last_began_with(&self) -> String {
        let reader = Reader::open(&self.path("audit")).unwrap();
        reader.runs().unwrap().pop().unwrap().bundle_sha256
    }
}

/// A line that runs, until it is told to end or dropped.
pub struct Line<'a> {
    station: &'a Station,
    child: Child,
}

impl Line<'_> {
    /// Waits until the slots stand like this.
    pub fn until(&mut self, what: &str, there: impl Fn(&State) -> bool) -> State {
        self.wait(what, |station| station.slots().load().ok().filter(&there))
    }

    /// Waits until so many parts are recorded.
    pub fn until_recorded(&mut self, parts: usize) {
        self.wait("records", |station| {
            let reader = Reader::open(&station.path("audit")).ok()?;
            (reader.entries(Default::default()).count() >= parts).then_some(())
        });
    }

    fn wait<T>(&mut self, what: &str, there: impl Fn(&Station) -> Option<T>) -> T {
        for _ in 0..PATIENCE / LOOK {
            if let Some(there) = there(self.station) {
                return there;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "{what}: the station ended: {}", self.station.log());
            std::thread::park_timeout(Duration::from_millis(LOOK.into()));
        }
        panic!("{what} never comes: {}", self.station.log());
    }

    /// Tells it to end, and sees that it ends well.
    pub fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.station.log());
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        // Only after a failed test is it still there.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
