//! Mosquitto, as the broker and as its own clients.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::rig::{Rig, SECRET};
use crate::until;

/// How often the broker is killed: `DRAEM_BROKER_KILLS`, or so often.
const KILLS: usize = 5;

/// From one part to the next.
const PITCH: Duration = Duration::from_millis(20);

/// The broker and its folder. What it keeps lies there: subscriptions, and what subscribers have not taken.
struct Broker {
    folder: tempfile::TempDir,
    /// Plain, and with TLS.
    port: u16,
    tls_port: u16,
    child: Option<Child>,
    said: Said,
}

/// What the broker has logged since it was started last.
type Said = Arc<Mutex<Vec<String>>>;

/// Hears what a process says, line by line.
fn follow(reader: impl std::io::Read + Send + 'static, take: impl Fn(String) + Send + 'static) {
    std::thread::spawn(move || BufReader::new(reader).lines().map_while(Result::ok).for_each(take));
}

/// Debian installs the broker where only the superuser's shell looks.
fn program() -> PathBuf {
    let installed = Path::new("/usr/sbin/mosquitto");
    if installed.exists() { installed.to_owned() } else { "mosquitto".into() }
}

impl Broker {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, tls_port, below) = (free(), free(), folder.path().display());
        let config = format!(
            "allow_anonymous true\nuser root\npersistence true\npersistence_location {below}/\nautosave_interval 0\n\
             max_inflight_messages 0\nmax_queued_messages 0\nlog_dest stderr\nlog_type all\nlistener {port} 127.0.0.1\n\
             listener {tls_port} 127.0.0.1\ncertfile {below}/certificate.pem\nkeyfile {below}/key.pem\n"
        );
        std::fs::write(folder.path().join("certificate.pem"), include_str!("tls/certificate.pem")).unwrap();
        std::fs::write(folder.path().join("key.pem"), include_str!("tls/key.pem")).unwrap();
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let mut broker = Self { folder, port, tls_port, child: None, said: Said::default() };
        broker.resume();
        broker
    }

    fn resume(&mut self) {
        self.said = Said::default();
        let mut command = Command::new(program());
        command.arg("-c").arg(self.folder.path().join("mosquitto.conf")).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("mosquitto is installed");
        let said = Arc::clone(&self.said);
        follow(child.stderr.take().unwrap(), move |line| said.lock().unwrap().push(line));
        self.child = Some(child);
        until("the broker runs", || self.count(&[" running"]) > 0);
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// As a power cut would end it.
    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The same, at a moment at which it owes the watcher no part: what it has acknowledged and holds in its memory alone is lost with it,
    /// whoever its clients are.
    fn kill_without_debts(&mut self, watcher: &Watcher, heard_before: usize) {
        until("it owes nothing", || {
            self.signal("-STOP");
            // Whatever it has sent arrives.
            std::thread::park_timeout(Duration::from_millis(50));
            let [taken, given] = ["Received PUBLISH from draem-north", "Sending PUBLISH to watcher"]
                .map(|what| self.count(&[what, "'draem/north/part'"]));
            let owes_nothing = taken == given && given == watcher.messages() - heard_before;
            if !owes_nothing {
                self.signal("-CONT");
            }
            owes_nothing
        });
        self.kill();
    }

    /// Has it write down what it keeps.
    fn end(&mut self) {
        self.signal("-TERM");
        self.child.take().unwrap().wait().unwrap();
    }

    /// Lines of its log that have all of these.
    fn count(&self, what: &[&str]) -> usize {
        self.said.lock().unwrap().iter().filter(|line| what.iter().all(|what| line.contains(what))).count()
    }

    /// How often a client has come since the broker was started last.
    fn came(&self, client: &str) -> usize {
        self.count(&[&format!("as {client} (")])
    }

    fn publish(&self, name: &str, more: &[&str]) {
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", &format!("draem/north/{name}")]);
        assert!(command.args(more).status().expect("mosquitto-clients are installed").success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// `mosquitto_sub`, which takes everything and connects again by itself.
struct Watcher {
    child: Child,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    /// How often each part was heard of.
    parts: BTreeMap<u64, usize>,
    /// The newest message on each topic.
    newest: BTreeMap<String, String>,
}

impl Watcher {
    fn start(broker: &Broker) -> Self {
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &broker.port.to_string(), "-i", "watcher", "-c", "-q", "1"]);
        command.args(["-t", "draem/north/#", "-F", "%t %p"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("mosquitto-clients are installed");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let hears = Arc::clone(&heard);
        follow(child.stdout.take().unwrap(), move |line| {
            let (topic, payload) = line.strip_prefix("draem/north/").unwrap().split_once(' ').unwrap();
            let mut heard = hears.lock().unwrap();
            if topic == "part" {
                let part: serde_json::Value = serde_json::from_str(payload).unwrap();
                *heard.parts.entry(part["part"].as_u64().unwrap()).or_default() += 1;
            }
            heard.newest.insert(topic.to_owned(), payload.to_owned());
        });
        until("somebody watches", || broker.count(&["Sending SUBACK to watcher"]) > 0);
        Self { child, heard }
    }

    /// How often each part was heard of.
    fn parts(&self) -> BTreeMap<u64, usize> {
        self.heard.lock().unwrap().parts.clone()
    }

    /// How often any part was heard of.
    fn messages(&self) -> usize {
        self.heard.lock().unwrap().parts.values().sum()
    }

    /// The newest message on a topic.
    fn newest(&self, name: &str) -> String {
        self.heard.lock().unwrap().newest.get(name).cloned().unwrap_or_default()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Says that it is over, however a test ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// In place of more configuration: over TLS.
const TLS: &str = "TLS";

/// What begins each test: all of it runs, and the mark is set before the first part.
fn all(more: &str) -> (Broker, Watcher, Rig, crate::rig::Plant) {
    let mut broker = Broker::start();
    let watcher = Watcher::start(&broker);
    // It knows of the watcher from now on, however it is killed.
    broker.end();
    broker.resume();
    until("the watcher is back", || broker.came("watcher") > 0);
    let rig = Rig::new(broker.port, "");
    let certificate = broker.folder.path().join("certificate.pem");
    match more {
        TLS => rig.configure(broker.tls_port, &format!("tls_ca_file = {certificate:?}\n")),
        more => rig.configure(broker.port, more),
    }
    let plant = rig.start();
    until("the program has connected", || broker.came("draem-north") > 0);
    until("it has set its mark", || rig.mark().contains("\"run\":3"));
    (broker, watcher, rig, plant)
}

#[test]
#[ignore = "needs Mosquitto: scripts/test.sh mqtt"]
fn every_part_is_heard_of_however_often_the_broker_is_killed() {
    let kills = std::env::var("DRAEM_BROKER_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let (mut broker, watcher, rig, plant) = all("");
    let over = AtomicBool::new(false);
    let left = std::thread::scope(|scope| {
        let leaves = scope.spawn(|| {
            let mut part = 0;
            while !over.load(Ordering::Relaxed) {
                part += 1;
                rig.store.leave(3, [part]);
                std::thread::park_timeout(PITCH);
            }
            part
        });
        let ends = Over(&over);
        let mut heard = 0;
        for kill in 0..kills {
            // Parts come some at a time; the kills come here and there among them.
            until("parts are heard of", || watcher.messages() > heard + kill * 7 % 40);
            broker.kill_without_debts(&watcher, heard);
            heard = watcher.messages();
            broker.resume();
        }
        drop(ends);
        leaves.join().unwrap()
    });
    until("every part was heard of", || watcher.parts().len() == left as usize);
    assert!(watcher.parts().into_keys().eq(1..=left.into()));
    let again: usize = watcher.parts().into_values().map(|times| times - 1).sum();
    eprintln!("{kills} kills, {left} parts, {again} of them heard of once more");
    until("nothing waits", || watcher.newest("told").contains(r#""waiting":0,"lost_parts":0,"lost_alarms":0"#));
    plant.end();
}

#[test]
#[ignore = "needs Mosquitto: scripts/test.sh mqtt"]
fn the_last_will_is_heard_and_nothing_is_lost_when_the_program_is_killed() {
    let (broker, watcher, rig, plant) = all("");
    until("it says so", || watcher.newest("online") == "online");
    rig.store.leave(3, 1..=200);
    until("some parts are heard of", || watcher.parts().len() > 50);
    plant.kill();
    until("the last will", || watcher.newest("online") == "offline");
    rig.store.leave(3, 201..=300);
    let plant = rig.start();
    until("it says so", || watcher.newest("online") == "online");
    let numbers: Vec<u64> = (1..=300).collect();
    until("every part was heard of", || watcher.parts().into_keys().collect::<Vec<_>>() == numbers);
    // Answered behind all acknowledgements that came before it.
    broker.publish("command/acknowledge", &["-m", "strange"]);
    until("an answer", || watcher.newest("answer").contains("malformed"));
    let before = watcher.parts();
    plant.end();
    until("the last will", || watcher.newest("online") == "offline");
    rig.store.leave(3, [301]);
    let _plant = rig.start();
    until("the next part", || watcher.parts().len() == 301);
    let again = before.iter().filter(|(part, times)| watcher.parts()[part] != **times).count();
    assert_eq!(again, 0, "told to end, it repeats nothing");
    // Somebody who comes later hears how it stands.
    let mut late = Command::new("mosquitto_sub");
    late.args(["-h", "127.0.0.1", "-p", &broker.port.to_string(), "-t", "draem/north/state", "-C", "1"]);
    let late = late.output().unwrap();
    assert!(String::from_utf8(late.stdout).unwrap().contains(r#""line":"run""#));
}

#[test]
#[ignore = "needs Mosquitto: scripts/test.sh mqtt"]
fn more_than_may_wait_is_left_out_and_the_count_is_told() {
    let (mut broker, watcher, rig, plant) = all("queue = 50\n");
    broker.kill();
    rig.store.leave(3, 1..=5_000);
    broker.resume();
    until("the newest are heard of", || watcher.parts().contains_key(&5_000));
    let numbers: Vec<u64> = (4_951..=5_000).collect();
    until("all that may wait", || watcher.parts().into_keys().collect::<Vec<_>>() == numbers);
    until("the count", || watcher.newest("told").contains(r#""waiting":0,"lost_parts":4950,"#));
    plant.end();
}

#[test]
#[ignore = "needs Mosquitto: scripts/test.sh mqtt"]
fn alarms_and_commands_go_both_ways_over_tls() {
    let (mut broker, watcher, rig, _plant) = all(TLS);
    rig.alarms(&["BIN_FULL"]);
    until("raised", || watcher.newest("alarm/BIN_FULL").contains(r#""raised":true"#));
    until("the state", || watcher.newest("state").contains(r#""line":"fault""#));
    broker.publish("command/acknowledge", &["-m", r#"{"secret":"open sesame"}"#]);
    until("refused", || watcher.newest("answer").contains(r#""result":"refused""#));
    let large = broker.folder.path().join("large");
    std::fs::write(&large, vec![b'x'; 4 << 20]).unwrap();
    broker.publish("command/acknowledge", &["-f", large.to_str().unwrap()]);
    let right = format!(r#"{{"secret":"{SECRET}","id":"panel 7"}}"#);
    broker.publish("command/acknowledge", &["-r", "-m", &right]);
    until("obeyed", || watcher.newest("answer").contains(r#""id":"panel 7","result":"acknowledged""#));
    assert_eq!(rig.pressed.try_iter().count(), 1, "it was given now; the broker keeps it for others");
    assert_eq!(broker.came("draem-north"), 1, "the large message did not end the connection");
    // Cleared while nobody listens; and what the broker has kept of the command is not obeyed.
    broker.end();
    rig.alarms(&[]);
    broker.resume();
    until("cleared", || watcher.newest("alarm/BIN_FULL").contains(r#""raised":false"#));
    until("not obeyed", || watcher.newest("answer").contains(r#""result":"retained""#));
    assert_eq!(rig.pressed.try_iter().count(), 0);
}
