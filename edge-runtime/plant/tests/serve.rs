//! The program beside a scripted station: what people and plant see of it, through its own port.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "serve/hostile.rs"]
mod hostile;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_plant::wire::histogram::FIRE_ERROR_US;
use edge_plant::wire::{self, Alarm, Basis, Bundle, Change, Decoder, Greeting, PREFACE, Part, Product, Products};
use edge_plant::wire::{Standing, State, ToPlant, ToStation};
use rusqlite::Connection;
use shared::units::{Micros, PartId, Score};
use shared::verdict::{Reason, Verdict};

/// A wait that lasts longer means that what is waited for never comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A name that a page must not take for one of its own elements.
const NASTY: &str = "<script>alert(1)</script> & \"caps\"";

fn score(value: f32) -> Score {
    Score::new(value).unwrap()
}

/// A folder with socket, store and configuration, and the program that serves them.
struct Plant {
    folder: tempfile::TempDir,
    child: Child,
    address: String,
    modbus: String,
}

impl Plant {
    fn start() -> (Self, UnixListener) {
        Self::with("")
    }

    /// With more in its configuration.
    fn with(more: &str) -> (Self, UnixListener) {
        let folder = tempfile::tempdir().unwrap();
        store(&folder.path().join("audit"));
        let listener = UnixListener::bind(folder.path().join("plant.sock")).unwrap();
        let config =
            "[station]\nsocket = \"plant.sock\"\n[web]\nlisten = \"127.0.0.1:0\"\n[modbus]\nlisten = \"127.0.0.1:0\"\n";
        std::fs::write(folder.path().join("plant.toml"), format!("{config}{more}")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-plant"));
        command.args(["serve", "--config"]).arg(folder.path().join("plant.toml"));
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = |scheme: &str| {
            let found =
                said.find_map(|line| Some(line.unwrap().strip_prefix(scheme)?.trim_end_matches('/').to_owned()));
            found.expect("it says where it listens")
        };
        let (modbus, address) = (address("modbus://"), address("http://"));
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        (Self { folder, child, address, modbus }, listener)
    }

    fn request(&self, head: &str) -> Answer {
        self.request_with(head, "")
    }

    /// A form of this page.
    fn form(&self, path: &str, body: &str) -> Answer {
        let (address, length) = (&self.address, body.len());
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let head =
            format!("POST {path} HTTP/1.1\r\nOrigin: http://{address}\r\n{kind}\r\nContent-Length: {length}\r\n");
        self.request_with(&head, body)
    }

    fn request_with(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = if head.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
        write!(stream, "{head}{host}Connection: close\r\n\r\n{body}").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let split = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: bytes[split + 4..].to_vec() }
    }

    fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path} HTTP/1.1\r\n"))
    }

    /// Asks until the page says so.
    fn until(&self, path: &str, expected: &str) -> String {
        let mut text = String::new();
        for _ in 0..600 {
            text = self.get(path).text();
            if text.contains(expected) {
                return text;
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
        panic!("{path} never says {expected:?}:\n{text}");
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// What makes the station's tables, step by step, as its own source has it: this program must read those and no others.
fn steps() -> Vec<&'static str> {
    let source = include_str!("../../src/store/schema.rs");
    let steps = source.split_once("const STEPS").unwrap().1.split_once("\n];").unwrap().0;
    steps.split('"').skip(1).step_by(2).collect()
}

/// A store with four parts.
fn store(folder: &Path) {
    std::fs::create_dir_all(folder.join("pictures/000003")).unwrap();
    std::fs::write(folder.join("pictures/000003/part-000002-BAD.png"), b"\x89PNG of part 2").unwrap();
    std::fs::write(folder.join("secret"), "not for you").unwrap();
    let connection = Connection::open(folder.join("records.db")).unwrap();
    for step in steps() {
        connection.execute_batch(step).unwrap();
    }
    connection.pragma_update(None, "application_id", 0x4452_4145).unwrap();
    connection.pragma_update(None, "user_version", i64::try_from(steps().len()).unwrap()).unwrap();
    let sql = "
        INSERT INTO runs (run, started_us, station, product, bundle_sha256, threshold, config_sha256, simulation, software)
            VALUES (3, 0, 'north', 'caps', '', 0.25, '', 1, '0.1.0');
        INSERT INTO bundles (run, bundle, since_us, product, bundle_sha256, threshold) VALUES (3, 1, 0, 'caps', '', 0.5);
        INSERT INTO records (run, part, wall_us, seen_us, seen_travel_um, decided_us, verdict, score, reason, passed, override_reason,
            late_verdict, simulation, fire_error_us, frame_residual_us, inference_us, kept, picture, original, picture_bytes, bundle) VALUES
            (3, 1, 1000000, 10, 0, 900010, 'good', 0.125, NULL, 1, NULL, NULL, 1, NULL, NULL, 31000, NULL, NULL, NULL, NULL, 0),
            (3, 2, 2000000, 20, 0, 900020, 'bad', 0.75, NULL, 0, NULL, NULL, 1, 120, -300, 31000, 2,
                'pictures/000003/part-000002-BAD.png', 'pictures/../secret', 9, 1),
            (3, 3, 3000000, 30, 0, 900030, 'uninspected', NULL, 'NO_FRAME', 0, NULL, 'good', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
            (3, 4, 4000000, 40, 0, 900040, 'good', 0.125, NULL, 0, 'NEIGHBOUR', NULL, 1, NULL, NULL, 31000, NULL, NULL, NULL, NULL, 0);";
    connection.execute_batch(sql).unwrap();
}

/// A station's side of the socket, which says again and again how it stands, as stations do.
struct Station {
    stream: UnixStream,
    decoder: Decoder,
    said: Arc<Mutex<Said>>,
}

struct Said {
    stream: UnixStream,
    standing: Option<ToPlant>,
}

impl Said {
    fn say(&mut self, word: &ToPlant) -> std::io::Result<()> {
        let mut out = Vec::new();
        wire::encode(word, &mut out).unwrap();
        self.stream.write_all(&out)
    }
}

impl Station {
    fn accept(listener: &UnixListener, store: PathBuf) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let said = Arc::new(Mutex::new(Said { stream: stream.try_clone().unwrap(), standing: None }));
        let mut station = Self { stream, decoder: Decoder::default(), said: Arc::clone(&said) };
        station.stream.write_all(&PREFACE).unwrap();
        station.say(&ToPlant::Greeting(Greeting {
            software: "0.1.0".to_owned(),
            station: NASTY.to_owned(),
            product: "caps".to_owned(),
            bundle_sha256: [0; 32],
            threshold: score(0.25),
            run: 3,
            simulation: true,
            store: store.to_str().unwrap().to_owned(),
            started_us: 0,
            clock_at_start: Micros(0),
        }));
        std::thread::spawn(move || {
            loop {
                std::thread::park_timeout(Duration::from_millis(200));
                let mut said = said.lock().unwrap();
                if let Some(standing) = said.standing.clone()
                    && said.say(&standing).is_err()
                {
                    return;
                }
            }
        });
        station
    }

    fn say(&mut self, word: &ToPlant) {
        self.said.lock().unwrap().say(word).unwrap();
    }

    fn stand(&mut self, state: State, alarms: Vec<Alarm>) {
        let mut standing =
            Standing { state, alarms, product: "caps".to_owned(), threshold: score(0.5), ..Standing::default() };
        standing.counters.parts = 1234;
        self.stand_as(standing);
    }

    fn stand_as(&mut self, standing: Standing) {
        let standing = ToPlant::Standing(Box::new(standing));
        self.say(&standing);
        self.said.lock().unwrap().standing = Some(standing);
    }

    fn part(&mut self, verdict: Verdict) {
        self.say(&ToPlant::Part(Part {
            number: PartId(77),
            wall_us: 0,
            seen_at: Micros(1),
            decided_at: Micros(2),
            verdict,
            passed: verdict.passes(),
            override_reason: None,
            late_verdict: None,
            inference: None,
            frame_residual_us: None,
            fire_error_us: None,
            bundle: None,
        }));
    }

    fn heard(&mut self) -> ToStation {
        self.hears().expect("the program is connected")
    }

    /// What it says next; `None` when it has gone.
    fn hears(&mut self) -> Option<ToStation> {
        loop {
            if let Some(word) = self.decoder.message().unwrap() {
                return Some(word);
            }
            let mut bytes = [0; 256];
            let read = self.stream.read(&mut bytes).ok().filter(|&read| read > 0)?;
            self.decoder.push(&bytes[..read]);
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // The thread above has the socket too.
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}

fn alarm() -> Alarm {
    let (code, remedy) = ("BIN_FULL".to_owned(), "empty <the> bin".to_owned());
    Alarm { code, remedy, stops: true, present: true, latched: false, since_us: 0 }
}

#[test]
fn every_answer_has_its_headers_and_only_this_machine_and_this_page_are_answered() {
    let (plant, _listener) = Plant::start();
    for (path, status, kind) in [
        ("/", 200, "text/html"),
        ("/rejects", 503, "text/html"),
        ("/threshold", 503, "text/html"),
        ("/health", 503, "text/html"),
        ("/parts/1/2", 503, "text/html"),
        ("/pictures/1/2", 503, "text/plain"),
        ("/metrics", 200, "text/plain; version=0.0.4"),
        ("/healthz", 503, "text/plain"),
        ("/assets/style.css", 200, "text/css"),
        ("/assets/live.js", 200, "text/javascript"),
        ("/nothing", 404, "text/html"),
        ("/parts/x/2", 400, "text/plain"),
        ("/acknowledge", 405, ""),
    ] {
        let answer = plant.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(kind.is_empty() || answer.head.contains(&format!("content-type: {kind}")), "{path}: {}", answer.head);
        for header in
            ["content-security-policy: default-src 'none'; script-src 'self';", "x-content-type-options: nosniff"]
        {
            assert!(answer.head.contains(header), "{path}: {}", answer.head);
        }
        let strange = plant.request(&format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n"));
        assert_eq!(strange.status, 403, "{path}");
    }
    let page = plant.get("/").text();
    for inline in ["<style", "style=", "onclick", "javascript:", "<script>"] {
        assert!(!page.contains(inline), "the page's own policy forbids {inline}");
    }
}

#[test]
fn a_connection_that_asks_for_nothing_is_closed() {
    let (plant, _listener) = Plant::start();
    for begun in ["", "GET / HTTP/1.1\r\nHost: local"] {
        let mut stream = TcpStream::connect(&plant.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(plant.get("/").status, 200);
}

#[test]
fn live_shows_verdict_alarms_and_counters_and_tells_what_changes() {
    let (plant, listener) = Plant::start();
    plant.until("/", "NO CONNECTION");
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    station.part(Verdict::Bad(score(0.75)));
    station.stand(State::Fault, vec![alarm()]);
    let events = TcpStream::connect(&plant.address).unwrap();
    events.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(&events, "GET /events HTTP/1.1\r\nHost: {}\r\nAccept-Language: de\r\n\r\n", plant.address).unwrap();
    let mut events = BufReader::new(events).lines().map(Result::unwrap);
    let mut told = |name: &str, expected: &str| {
        // What was so before may be told once more.
        let event = format!("event: {name}");
        while let Some(line) = events.next() {
            if line == event && events.next().unwrap().contains(expected) {
                return;
            }
        }
        panic!("{name} never says {expected}");
    };
    told("state", "STEHT");
    told("verdict", "SCHLECHT");
    told("alarms", "Ausschussbehälter leeren");
    told("figures", "1234");
    station.part(Verdict::Uninspected(Reason::NoFrame));
    station.stand(State::Run, Vec::new());
    told("state", "LÄUFT");
    told("verdict", "NICHT GEPRÜFT");
    told("alarms", "Keine Alarme");

    station.stand(State::Run, vec![alarm()]);
    let page = plant.get("/").text();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; "), "{page}");
    assert!(
        page.contains("empty &lt;the&gt; bin") && page.contains("RUNNING") && page.contains("SIMULATION"),
        "{page}"
    );
    assert!(page.contains("lang=\"en\"") && page.contains("NO_FRAME"), "{page}");
    plant.until("/", "/pictures/3/2");
    let german = plant.get("/?language=de");
    assert!(german.head.contains("set-cookie: language=de;") && german.text().contains("Quittieren"));
    let chosen = plant.request("GET /rejects HTTP/1.1\r\nCookie: language=de\r\nAccept-Language: en\r\n");
    assert!(chosen.text().contains("Alle Gründe"));
    assert!(plant.get("/metrics").text().contains("\ndraem_parts_total 1234\n"));
    assert_eq!(plant.get("/healthz").status, 200);

    // A station that hangs or goes is no station, and one that comes back is one again.
    drop(station);
    assert!(!plant.until("/", "NO CONNECTION").contains("NOT INSPECTED"), "that was the newest part's verdict");
    assert_eq!((plant.get("/healthz").status, plant.get("/metrics").text().lines().last()), (503, Some("draem_up 0")));
    told("trouble", "Keine Verbindung zur Station");
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    station.stand(State::Starting, Vec::new());
    told("trouble", "data:  ");
    told("state", "STARTET");
}

#[test]
fn the_button_is_pressed_from_the_page_alone_and_says_what_became_of_it() {
    let (plant, listener) = Plant::start();
    let origin = format!("Origin: http://{}\r\n", plant.address);
    let press = |more: &str| {
        plant.request(&format!("POST /acknowledge HTTP/1.1\r\nContent-Length: 0\r\nAccept: text/plain\r\n{more}"))
    };
    plant.until("/", "NO CONNECTION");
    assert_eq!(press(&origin).status, 503);
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    station.stand(State::Run, Vec::new());
    plant.until("/", "RUNNING");
    for strange in ["", "Origin: null\r\n", "Origin: http://evil.example\r\n"] {
        assert_eq!(press(strange).status, 403, "{strange}");
    }
    for (taken, status, words) in
        [(true, 202, "Acknowledged."), (false, 409, "An acknowledgement is on its way already.")]
    {
        let answer = std::thread::scope(|scope| {
            let pressed = scope.spawn(|| press(&origin));
            let ToStation::Acknowledge { number } = station.heard() else { panic!("no button") };
            station.say(&ToPlant::Answer { number, taken });
            pressed.join().unwrap()
        });
        assert_eq!((answer.status, answer.text().as_str()), (status, words));
    }
}

#[test]
fn rejects_are_found_by_reason_and_time_and_nothing_but_pictures_is_served() {
    let (plant, listener) = Plant::start();
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    station.stand(State::Run, Vec::new());
    let all = plant.until("/rejects?hours=all", "NEIGHBOUR");
    let order: Vec<_> = ["/parts/3/4", "/parts/3/3", "/parts/3/2"].map(|part| all.find(part).unwrap()).to_vec();
    assert!(order.is_sorted(), "the newest first: {order:?}");
    assert!(!all.contains("/parts/3/1\""), "it passed");
    let bad = plant.get("/rejects?hours=all&reason=BAD").text();
    assert!(bad.contains("/parts/3/2") && !bad.contains("/parts/3/3") && bad.contains("/pictures/3/2"));
    let older = plant.get("/rejects?hours=all&before=3000000.3.3").text();
    assert!(older.contains("/parts/3/2") && !older.contains("/parts/3/3"));
    assert!(plant.get("/rejects?hours=1").text().contains("No rejected parts"));
    let part = plant.get("/parts/3/2").text();
    assert!(part.contains("0.7500") && part.contains("0.5000") && part.contains("0.1 ms"), "{part}");
    assert!(plant.get("/parts/3/3").text().contains("check trigger position"));
    assert_eq!(plant.get("/parts/3/99").status, 404);
    let picture = plant.get("/pictures/3/2");
    assert_eq!((picture.status, &*picture.body), (200, &b"\x89PNG of part 2"[..]));
    assert!(picture.head.contains("image/png") && picture.head.contains("immutable"));
    assert_eq!(plant.get("/originals/3/2").status, 500, "a row that names something else");
    assert_eq!(plant.get("/pictures/3/3").status, 404);
    assert_eq!(plant.get("/pictures/3/..%2f..%2fsecret").status, 400);
}

#[test]
fn another_threshold_can_be_looked_at_with_what_it_promises_and_would_have_done() {
    let (plant, listener) = Plant::start();
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    // The runs of the store are of a bundle without a name.
    let good_scores = (0..99).map(|at| score(at as f32 / 1000.0)).collect();
    let basis = Basis { own: score(0.25), may_be_set: true, good_scores, ..Basis::default() };
    Connection::open(plant.folder.path().join("audit/records.db"))
        .unwrap()
        .execute_batch(&format!("UPDATE runs SET bundle_sha256 = '{}'", "0".repeat(64)))
        .unwrap();
    station.say(&ToPlant::Basis(Box::new(basis)));
    station.stand(State::Run, Vec::new());
    let row = |page: &str, name: &str| -> Vec<String> {
        let row = page.split_once(name).unwrap_or_else(|| panic!("{name} is not in {page}")).1;
        let row = row.split_once("</tr>").unwrap().0;
        row.split("<td>").skip(1).map(|cell| cell.split_once('<').unwrap().0.to_owned()).collect()
    };
    let page = plant.until("/threshold?hours=all&at=0,1", "0.1000");
    let part = plant.get("/parts/3/1").text();
    assert!(part.contains("score more than this one: <b>0</b>") && part.contains("<svg"), "{part}");
    assert!(!plant.get("/parts/3/2").text().contains("<svg"), "another bundle judged it");
    assert_eq!(row(&page, "Good parts rejected, expected"), ["1.00 %", "1.00 %"]);
    assert_eq!(row(&page, "No more than, with 95 % confidence"), ["2.98 %", "2.98 %"]);
    // Part 2 was judged by another bundle, part 4 left with a neighbour, part 3 has no score.
    assert_eq!(row(&page, "Parts that would be bad"), ["0", "2"]);
    assert_eq!(row(&page, "Parts that would be good"), ["2", "0"]);
    assert_eq!(row(&page, "Parts without a score"), ["1", "1"]);
    assert!(
        page.contains("another bundle judged, left out: 1.") && page.contains("counted as good here: 1."),
        "{page}"
    );
    assert!(page.contains("<svg") && page.contains("mark tried") && !page.contains("style="), "{page}");
    let page = plant.get("/threshold?hours=all&target=3").text();
    assert!(page.contains("0.0960 – looked at") && page.contains("Parts that would be bad"), "{page}");
    let page = plant.get("/threshold?target=0.5&language=de").text();
    assert!(page.contains("zurückgehaltene gute Teile: 99. Dafür nötig: 199.") && page.contains("1,00 %"), "{page}");
    assert!(plant.get("/threshold?at=1.5").text().contains("less than 1 is needed"));
    assert!(plant.get("/threshold").text().contains("An engineer who is signed in may change it"));
}

#[test]
fn what_a_part_really_was_is_marked_and_goes_to_the_next_training() {
    let (plant, listener) = Plant::with("[roles]\nfolder = \"state\"\n");
    let (folder, audit) = (plant.folder.path(), plant.folder.path().join("audit"));
    std::fs::write(audit.join("pictures/000003/original.png"), "a frame").unwrap();
    let kept = "UPDATE records SET original = 'pictures/000003/original.png' WHERE part = 2";
    Connection::open(audit.join("records.db")).unwrap().execute_batch(kept).unwrap();
    let mut station = Station::accept(&listener, audit.clone());
    station.stand(State::Run, Vec::new());
    plant.until("/parts/3/2", "This was good");
    for (part, mark, status) in
        [(2, "bad", 303), (2, "good", 303), (3, "bad", 303), (2, "fine", 422), (99, "good", 404)]
    {
        assert_eq!(plant.form(&format!("/parts/3/{part}"), &format!("mark={mark}")).status, status, "{part} {mark}");
    }
    assert!(plant.get("/parts/3/2").text().contains("marked as good"));
    let gallery = plant.get("/rejects?hours=all").text();
    assert!(gallery.contains("marked as good") && gallery.contains("marked as bad"), "{gallery}");

    let export = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-plant"));
        command.args(["export-marks", "--config", "plant.toml", "--store", "audit", "--out", "marked"]);
        command.current_dir(folder).output().unwrap()
    };
    let exported = export();
    let said = String::from_utf8(exported.stdout).unwrap();
    let said: Vec<_> = said.split_whitespace().collect();
    assert_eq!(said, ["good", "1", "bad", "0", "without", "a", "frame", "1"]);
    let frame = std::fs::read_to_string(folder.join("marked/good/run-000003-part-000002.png")).unwrap();
    assert_eq!(frame, "a frame");
    let list = std::fs::read_to_string(folder.join("marked/marks.json")).unwrap();
    assert!(list.contains("\"NO_FRAME\"") && list.contains("\"good/run-000003-part-000002.png\""), "{list}");
    let again = export();
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("an empty folder"));
    assert!(!folder.join("marked.partial").exists());
    assert_eq!(plant.form("/parts/3/2", "mark=none").status, 303);
    assert!(!plant.get("/parts/3/2").text().contains("marked as"));
    let log: String = std::fs::read_dir(folder.join("state/log"))
        .unwrap()
        .filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok())
        .collect();
    assert!(
        log.contains("run 3 part 2: bad") && log.contains("run 3 part 2: good") && log.contains("part 2: none"),
        "{log}"
    );
}

#[test]
fn health_says_what_is_near_its_limit() {
    let (plant, listener) = Plant::start();
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    let mut standing = Standing { state: State::Run, product: "caps".to_owned(), ..Standing::default() };
    standing.readings.hottest_millicelsius = Some(81_000);
    standing.readings.too_hot_millicelsius = Some(80_000);
    standing.fire_error.observe(&FIRE_ERROR_US, 90);
    station.stand_as(standing);
    let page = plant.until("/health", "81.0 °C");
    for expected in ["beyond its limit", "at most 0.1 ms", "none in this run yet", "of different releases", "caps"] {
        assert_eq!(page.contains(expected), expected != "of different releases", "{expected}: {page}");
    }
    assert!(page.contains("<svg") && !page.contains("style="), "{page}");
    assert!(plant.get("/health?language=de").text().contains("über der Grenze"));
}

/// A controller: one request of a function with its data, and the answer's data, or the number of the exception.
fn controller(plant: &Plant) -> impl FnMut(u8, &[u16]) -> Result<Vec<u8>, u8> + use<> {
    let mut stream = TcpStream::connect(&plant.modbus).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    move |function, data| {
        let data: Vec<u8> = data.iter().flat_map(|word| word.to_be_bytes()).collect();
        let mut frame = vec![0, 1, 0, 0, 0, data.len() as u8 + 2, 1, function];
        frame.extend(data);
        stream.write_all(&frame).unwrap();
        let mut head = [0; 8];
        stream.read_exact(&mut head).unwrap();
        let mut data = vec![0; usize::from(head[5]) - 2];
        stream.read_exact(&mut data).unwrap();
        if head[7] == function { Ok(data) } else { Err(data[0]) }
    }
}

#[test]
fn a_controller_takes_results_one_by_one_and_may_press_the_button() {
    const ON: u16 = 0xff00;
    let (plant, listener) = Plant::start();
    let mut ask = controller(&plant);
    assert_eq!(ask(2, &[0, 7]), Ok(vec![1, 0]), "nothing is known");
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    station.stand(State::Run, Vec::new());
    let mut until = |expected: u8| {
        let mut bits = 0;
        for _ in 0..600 {
            bits = ask(2, &[0, 7]).unwrap()[1];
            if bits == expected {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("{bits:07b} never becomes {expected:07b}");
    };
    until(0b000_0011);
    station.part(Verdict::Bad(score(0.75)));
    station.part(Verdict::Uninspected(Reason::NoFrame));
    until(0b011_0011);
    let mut ask = controller(&plant);
    for (result, reason, judged, valid) in [(2, 0, 7_500, 0b011_0011), (3, 3, u16::MAX, 0b010_0011)] {
        until(valid);
        let words = ask(4, &[3, 5]).unwrap();
        let expected: Vec<u8> = [0, 77, result, reason, judged].into_iter().flat_map(u16::to_be_bytes).collect();
        assert_eq!(words[1..], expected);
        assert_eq!(ask(3, &[3, 5]).unwrap(), words, "as holding registers too");
        ask(5, &[0, ON]).unwrap();
        until(valid & 0b101_1111);
        assert_eq!(ask(1, &[0, 3]), Ok(vec![1, 1]));
        ask(5, &[0, 0]).unwrap();
    }
    assert_eq!(ask(4, &[3, 2]), Ok(vec![4, 0, 0, 0, 0]), "no result is left");
    ask(5, &[2, ON]).unwrap();
    ask(5, &[2, ON]).unwrap();
    let ToStation::Acknowledge { number } = station.heard() else { panic!("no button") };
    assert_eq!(number, 1);
    ask(5, &[2, 0]).unwrap();
    ask(5, &[2, ON]).unwrap();
    assert_eq!(station.heard(), ToStation::Acknowledge { number: 2 }, "once each time that it goes on");
    let (function, address) = (1, 2);
    assert_eq!(ask(22, &[17, 1, 1]), Err(function));
    assert_eq!(ask(6, &[0, 1]), Err(address), "one register is written");
    for strange in [[17, 2], [18, 1], [0, 19], [u16::MAX, 2]] {
        assert_eq!(ask(4, &strange), Err(address), "{strange:?}");
    }
    assert_eq!(ask(5, &[4, ON]), Err(address));
}

/// What a station with two recipes says.
fn products(change: Change, running: u16) -> ToPlant {
    let product = |name: &str, number| {
        let bundle = Bundle {
            product: NASTY.to_owned(),
            sha256: [7; 32],
            threshold: score(0.5),
            created: 0,
            good_parts: 9,
            signer: "key".to_owned(),
        };
        Product { name: name.to_owned(), number: Some(number), bundle: Ok(bundle) }
    };
    let list = vec![product("own", 0), product("rings", 7)];
    ToPlant::Products(Box::new(Products { list, running, change, ..Products::default() }))
}

#[test]
fn products_are_changed_from_the_page_and_by_a_controller_and_how_far_it_is_is_shown() {
    const ON: u16 = 0xff00;
    let (plant, listener) = Plant::start();
    let post = |product: &str| plant.form("/products", product);
    assert_eq!(post("product=7").status, 503, "no station");
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    station.stand(State::Run, Vec::new());
    plant.until("/products", "no recipes");
    assert_eq!(post("product=7").status, 404, "and no recipes");
    station.say(&products(Change::Rest, 0));
    let page = plant.until("/products", "rings");
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"), "{page}");
    for wrong in ["product=8", "product=", "product=x", ""] {
        assert!([404, 422].contains(&post(wrong).status), "{wrong}");
    }
    for (taken, status) in [(false, 409), (true, 303)] {
        let answer = std::thread::scope(|scope| {
            let posted = scope.spawn(|| post("product=7"));
            let ToStation::Select { number, product: 7 } = station.heard() else { panic!("another request") };
            station.say(&ToPlant::Answer { number, taken });
            posted.join().unwrap()
        });
        assert_eq!(answer.status, status);
    }
    station.say(&products(Change::Preparing(7), 0));
    plant.until("/products", "still inspected");
    station.say(&products(Change::Changing(7), 0));
    station.stand(State::Changeover, Vec::new());
    plant.until("/products", "CHANGEOVER");

    let mut ask = controller(&plant);
    let mut product = |bits: u8, expected: [u8; 4]| {
        for _ in 0..600 {
            if ask(2, &[0, 9]).unwrap()[1] == bits && ask(3, &[16, 2]).unwrap()[1..] == expected {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("never {bits:08b} with {expected:?}: {:?}", (ask(2, &[0, 9]), ask(3, &[16, 2])));
    };
    product(0b1000_0001, [0, 0, 0, 0]);
    station.stand(State::Run, Vec::new());
    station.say(&products(Change::Rest, 7));
    product(0b0000_0011, [0, 7, 0, 0]);
    let mut ask = controller(&plant);
    let value = 3;
    ask(6, &[17, 8]).unwrap();
    assert_eq!(ask(5, &[3, ON]), Err(value), "no recipe has this number");
    ask(6, &[17, 0]).unwrap();
    ask(5, &[3, ON]).unwrap();
    ask(5, &[3, ON]).unwrap();
    assert!(matches!(station.heard(), ToStation::Select { product: 0, .. }));
    ask(5, &[3, 0]).unwrap();
    ask(5, &[3, ON]).unwrap();
    assert!(matches!(station.heard(), ToStation::Select { product: 0, .. }), "once each time that it goes on");
}
