//! A station as the plant's process sees it: a socket on which it says how it stands, and a store that grows.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_plant::wire::{self, Alarm, Decoder, Greeting, PREFACE, Standing, State, ToPlant, ToStation};
use rusqlite::{Connection, params};
use shared::units::{Micros, Score};

/// What a command must carry.
pub const SECRET: &str = "open sesame, please";

/// What makes the station's tables, step by step, as its own source has it: this program must read those and no others.
fn steps() -> Vec<&'static str> {
    let source = include_str!("../../../src/store/schema.rs");
    let steps = source.split_once("const STEPS").unwrap().1.split_once("\n];").unwrap().0;
    steps.split('"').skip(1).step_by(2).collect()
}

/// The station's records.
pub struct Store(Mutex<Connection>);

impl Store {
    fn create(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let connection = Connection::open(folder.join("records.db")).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        for step in steps() {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "application_id", 0x4452_4145).unwrap();
        connection.pragma_update(None, "user_version", i64::try_from(steps().len()).unwrap()).unwrap();
        let store = Self(Mutex::new(connection));
        store.run(3);
        store
    }

    /// A run begins.
    pub fn run(&self, run: i64) {
        let sql = "INSERT INTO runs (run, started_us, station, product, bundle_sha256, threshold, config_sha256, simulation, software)
                   VALUES (?1, ?1 * 1000000, 'north', 'caps', '', 0.25, '', 1, '0.1.0')";
        self.0.lock().unwrap().execute(sql, [run]).unwrap();
    }

    /// Parts of a run leave.
    pub fn leave(&self, run: i64, parts: impl IntoIterator<Item = u32>) {
        let mut connection = self.0.lock().unwrap();
        let all = connection.transaction().unwrap();
        for part in parts {
            let sql = "INSERT INTO records
                       (run, part, wall_us, seen_us, seen_travel_um, decided_us, verdict, score, passed, simulation, bundle)
                       VALUES (?1, ?2, ?2 * 1000000, 10, 0, 900010, 'good', 0.125, 1, 1, 0)";
            all.execute(sql, params![run, part]).unwrap();
        }
        all.commit().unwrap();
    }
}

/// A folder with all of it, and the station's side of the socket.
pub struct Rig {
    pub folder: tempfile::TempDir,
    pub store: Store,
    alarms: Arc<Mutex<Vec<Alarm>>>,
    /// The reset button, pressed.
    pub pressed: Receiver<u32>,
}

impl Rig {
    pub fn new(port: u16, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("audit"));
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let (alarms, (press, pressed)) = (Arc::new(Mutex::new(Vec::new())), channel());
        let listener = UnixListener::bind(folder.path().join("plant.sock")).unwrap();
        let (standing, audit) = (Arc::clone(&alarms), folder.path().join("audit").to_str().unwrap().to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (standing, press, audit) = (Arc::clone(&standing), press.clone(), audit.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &standing, press, audit));
            }
        });
        let secret = folder.path().join("secret");
        std::fs::write(&secret, SECRET).unwrap();
        std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let rig = Self { folder, store, alarms, pressed };
        rig.configure(port, more);
        rig
    }

    /// Writes the configuration.
    pub fn configure(&self, port: u16, more: &str) {
        let config = format!(
            "[station]\nsocket = \"plant.sock\"\n[web]\nlisten = \"127.0.0.1:0\"\n[mqtt]\nhost = \"127.0.0.1\"\nport = {port}\n\
             station = \"north\"\nstate_dir = \"state\"\ncommand_secret_file = \"secret\"\n{more}"
        );
        std::fs::write(self.folder.path().join("plant.toml"), config).unwrap();
    }

    /// The station says that this is wrong from now on.
    pub fn alarms(&self, codes: &[&str]) {
        let alarm = |code: &&str| Alarm {
            code: (*code).to_owned(),
            remedy: "empty the bin".to_owned(),
            stops: true,
            present: true,
            latched: false,
            since_us: 0,
        };
        *self.alarms.lock().unwrap() = codes.iter().map(alarm).collect();
    }

    /// How far the broker has heard, as the program keeps it.
    pub fn mark(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("state/mqtt.json")).unwrap_or_default()
    }

    /// Starts the program.
    pub fn start(&self) -> Plant {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-plant"));
        command.args(["serve", "--config"]).arg(self.folder.path().join("plant.toml"));
        Plant(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

/// The program; killed where a test leaves it.
pub struct Plant(Child);

impl Plant {
    /// Tells it to end, and waits.
    pub fn end(mut self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One connection: greets, says again and again how it stands, and hears the button.
fn serve(stream: UnixStream, alarms: &Mutex<Vec<Alarm>>, press: Sender<u32>, store: String) {
    let mut reads = stream.try_clone().unwrap();
    let writes = Arc::new(Mutex::new(stream));
    let say = |word: &ToPlant, writes: &Mutex<UnixStream>| {
        let mut out = Vec::new();
        wire::encode(word, &mut out).unwrap();
        writes.lock().unwrap().write_all(&out)
    };
    writes.lock().unwrap().write_all(&PREFACE).unwrap();
    let greeting = Greeting {
        software: "0.1.0".to_owned(),
        station: "Caps, north".to_owned(),
        product: "caps".to_owned(),
        bundle_sha256: [0; 32],
        threshold: Score::new(0.25).unwrap(),
        run: 3,
        simulation: true,
        store,
        started_us: 0,
        clock_at_start: Micros(0),
    };
    if say(&ToPlant::Greeting(greeting), &writes).is_err() {
        return;
    }
    let answers = Arc::clone(&writes);
    std::thread::spawn(move || {
        let (mut decoder, mut bytes) = (Decoder::default(), [0; 256]);
        while let Ok(read @ 1..) = reads.read(&mut bytes) {
            decoder.push(&bytes[..read]);
            while let Some(ToStation::Acknowledge { number }) = decoder.message().unwrap() {
                // The test may be over.
                let _ = press.send(number);
                let _ = say(&ToPlant::Answer { number, taken: true }, &answers);
            }
        }
    });
    loop {
        let alarms = alarms.lock().unwrap().clone();
        let state = if alarms.is_empty() { State::Run } else { State::Fault };
        let standing = Standing { state, alarms, product: "caps".to_owned(), ..Standing::default() };
        if say(&ToPlant::Standing(Box::new(standing)), &writes).is_err() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
}
