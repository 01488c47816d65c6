//! The program as people meet it who may do less or more, and what is written down of what they do.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "roles/upload.rs"]
mod upload;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_plant::log::read;
use edge_plant::roles::Role;
use edge_plant::web::routes::{Needs, ROUTES};
use edge_plant::wire::{self, Alarm, Basis, Decoder, Greeting, NotSet, PREFACE, Standing, State, ToPlant, ToStation};
use edge_plant::wire::{Product, Products, Wired};
use shared::units::{Micros, Score};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A wait that lasts longer means that what is waited for never comes.
const PATIENCE: Duration = Duration::from_secs(120);

const ROLES: &str = "[roles]\nfolder = \"state\"\n";

/// Those who ask, from the one who may least, with their passwords.
const PEOPLE: [(&str, &str); 3] =
    [("operator", "correct horse 1"), ("engineer", "correct horse 2"), ("admin", "correct horse 3")];

fn edge_plant(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-plant"));
    command.args(arguments).arg("--config").arg(folder.join("plant.toml"));
    command
}

fn configure(folder: &Path, web: &str, more: &str) {
    let config = format!("[station]\nsocket = \"plant.sock\"\n[web]\n{web}{more}");
    std::fs::write(folder.join("plant.toml"), config).unwrap();
}

const HERE: &str = "listen = \"127.0.0.1:0\"\n";

fn set_password(folder: &Path, role: &str, password: &str) -> Output {
    let mut command = edge_plant(folder, &["set-password", "--role", role]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child.wait_with_output().unwrap()
}

/// A folder in which everybody has a password.
fn peopled(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), HERE, &format!("{ROLES}{more}"));
    for (role, password) in PEOPLE {
        let set = set_password(folder.path(), role, password);
        assert!(set.status.success(), "{}", text(&set));
    }
    folder
}

/// The program, serving from a folder that is configured already.
struct Plant {
    child: Child,
    scheme: &'static str,
    address: String,
}

impl Plant {
    fn serve(folder: &Path) -> Self {
        let mut child = edge_plant(folder, &["serve"]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let (scheme, address) = said
            .find_map(|line| {
                let line = line.unwrap();
                let scheme = ["https", "http"].into_iter().find(|scheme| line.starts_with(&format!("{scheme}://")))?;
                Some((scheme, line[scheme.len() + 3..].trim_end_matches('/').replace("0.0.0.0", "127.0.0.1")))
            })
            .expect("it says where it listens");
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, scheme, address }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (host, length) = (&self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {}://{host}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}",
            self.scheme
        );
        if self.scheme == "https" { answer(tls(stream), &request, path) } else { answer(&mut stream, &request, path) }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    fn form(&self, path: &str, headers: &str, body: &str) -> Answer {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nAccept: text/html\r\n{headers}");
        self.ask("POST", path, &headers, body)
    }

    fn sign_in(&self, name: &str, password: &str) -> Answer {
        self.form("/login", "", &format!("name={name}&password={}", password.replace(' ', "+")))
    }

    /// Signs in, and gives the header with the cookie, and what forms say.
    fn signed_in(&self, name: &str, password: &str) -> (String, String) {
        let answer = self.sign_in(name, password);
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        let cookie = format!("Cookie: {cookie}\r\n");
        let page = self.ask("GET", "/", &cookie, "").body;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).expect("a form").split('"').next().unwrap().to_owned();
        (cookie, csrf)
    }

    /// Asks until the page says so.
    fn until(&self, path: &str, expected: &str) -> String {
        let mut text = String::new();
        for _ in 0..600 {
            text = self.get(path).body;
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
    body: String,
}

/// A stream of events never ends, so that its head has to do.
fn answer(mut stream: impl Read + Write, request: &str, path: &str) -> Answer {
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let read = stream.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && (read == 0 || path == "/events" && head.contains("event-stream"))
        {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return Answer { status, head: head.to_owned(), body: body.to_owned() };
        }
        assert!(read > 0, "{text}");
    }
}

/// Speaks TLS with who has the certificate of these tests. Its key is public: nothing else may ever use it.
fn tls(stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(include_bytes!("tls/certificate.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config =
        config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

/// The bundle that judges at the station.
const CAPS: [u8; 32] = [0xca; 32];

/// A station with one alarm, that says so until it is dropped, takes every press, and every threshold for its bundle.
struct Station {
    stream: UnixStream,
    thresholds: Arc<Mutex<Vec<Option<f32>>>>,
}

impl Station {
    fn accept(listener: &UnixListener) -> Self {
        let (mut stream, _) = listener.accept().unwrap();
        let mut out = PREFACE.to_vec();
        let greeting = Greeting {
            software: "0.1.0".to_owned(),
            station: "north".to_owned(),
            product: "caps".to_owned(),
            bundle_sha256: [0; 32],
            threshold: Score::default(),
            run: 3,
            simulation: true,
            store: "nowhere".to_owned(),
            started_us: 0,
            clock_at_start: Micros(0),
        };
        let (code, remedy) = ("BIN_FULL".to_owned(), "empty the bin".to_owned());
        let alarms = vec![Alarm { code, remedy, stops: true, present: false, latched: true, since_us: 0 }];
        let threshold = Score::new(0.25).unwrap();
        let standing = Standing { state: State::Fault, alarms, threshold, ..Standing::default() };
        let standing = ToPlant::Standing(Box::new(standing));
        let good_scores = (0..99).map(|at| Score::new(at as f32 / 1000.0).unwrap()).collect();
        let own = Score::new(0.125).unwrap();
        let basis = Basis { bundle_sha256: CAPS, own, may_be_set: true, good_scores, good_parts: Vec::new() };
        wire::encode(&ToPlant::Greeting(greeting), &mut out).unwrap();
        wire::encode(&ToPlant::Basis(Box::new(basis)), &mut out).unwrap();
        stream.write_all(&out).unwrap();
        let (mut reader, mut writer) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        let mut say = move |word: &ToPlant| {
            let mut out = Vec::new();
            wire::encode(word, &mut out).unwrap();
            writer.write_all(&out)
        };
        reader.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let thresholds = Arc::clone(&heard);
        std::thread::spawn(move || {
            let (mut decoder, mut bytes) = (Decoder::default(), [0; 256]);
            while say(&standing).is_ok() {
                match reader.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(read) => decoder.push(&bytes[..read]),
                    Err(_) => {}
                }
                while let Some(word) = decoder.message().unwrap() {
                    let answer = match word {
                        ToStation::Acknowledge { number } => ToPlant::Answer { number, taken: true },
                        ToStation::SetThreshold { number, bundle_sha256: CAPS, threshold } => {
                            heard.lock().unwrap().push(threshold.map(Score::get));
                            ToPlant::Answer { number, taken: true }
                        }
                        ToStation::Select { .. } | ToStation::Upload { .. } => panic!("nobody changes products here"),
                        ToStation::SetThreshold { number, .. } => ToPlant::Refused { number, why: NotSet::OtherBundle },
                    };
                    drop(say(&answer));
                }
            }
        });
        Self { stream, thresholds }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}

fn text(output: &Output) -> String {
    String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap()
}

#[test]
fn what_is_pressed_is_in_the_log_and_an_edit_of_it_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configure(folder, HERE, ROLES);
    let listener = UnixListener::bind(folder.join("plant.sock")).unwrap();
    let plant = Plant::serve(folder);
    assert_eq!(
        plant.ask("POST", "/acknowledge", "", "").status,
        503,
        "there is no station yet, and nothing to write down"
    );
    let station = Station::accept(&listener);
    plant.until("/", "BIN_FULL");
    assert_eq!(plant.ask("POST", "/acknowledge", "", "").status, 202);
    let told = plant.until("/metrics", "draem_log_entries 1");
    let log = folder.join("state/log");
    let away = folder.join("away");
    std::fs::rename(&log, &away).unwrap();
    let refused = plant.ask("POST", "/acknowledge", "", "");
    assert!(refused.status == 503 && refused.body.contains("Not done"), "{}", refused.body);
    std::fs::rename(&away, &log).unwrap();
    drop((plant, station));

    let entries: Vec<_> = read::newest(&log, None, 9).unwrap().into_iter().map(Result::unwrap).collect();
    let said: Vec<_> = entries.iter().map(|entry| (&*entry.what, &*entry.before, &*entry.after)).collect();
    assert_eq!(said, [("acknowledge", "BIN_FULL", "pressed")]);
    let verify = |more: &[&str]| edge_plant(folder, &["verify-log"]).args(more).output().unwrap();
    let whole = verify(&[]);
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole));
    let head = told.split_once("draem_log_head{head=\"").unwrap().1.split('"').next().unwrap();
    assert!(text(&whole).contains(head), "{head} is not in {}", text(&whole));
    assert_eq!(verify(&["--head", head]).status.code(), Some(0));
    assert_eq!(verify(&["--head", "1"]).status.code(), Some(2));

    let file = std::fs::read_dir(&log).unwrap().map(|file| file.unwrap().path());
    let file = file.into_iter().find(|file| file.extension().is_some()).unwrap();
    let text_of = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "").unwrap();
    assert_eq!(verify(&[]).status.code(), Some(0), "a chain does not know its own end");
    let short = verify(&["--head", head]);
    assert_eq!(short.status.code(), Some(3), "{}", text(&short));
    std::fs::write(&file, text_of.replacen("anyone", "nobody", 1)).unwrap();
    let edited = verify(&[]);
    assert_eq!(edited.status.code(), Some(3));
    assert!(text(&edited).contains("line 1: does not fit its own hash"), "{}", text(&edited));
}

#[test]
fn what_is_chosen_at_the_stations_own_inputs_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), HERE, ROLES);
    let listener = UnixListener::bind(folder.path().join("plant.sock")).unwrap();
    let plant = Plant::serve(folder.path());
    let mut station = Station::accept(&listener);
    let product = |number, name: &str| Product {
        name: name.to_owned(),
        number: Some(number),
        bundle: Err("it is not there".to_owned()),
    };
    let mut say = |wired| {
        let list = vec![product(0, "own"), product(7, "rings")];
        let mut out = Vec::new();
        let products = Products { list, wired, ..Products::default() };
        wire::encode(&ToPlant::Products(Box::new(products)), &mut out).unwrap();
        station.stream.write_all(&out).unwrap();
    };
    let chosen = |count, product| Some(Wired { count, product, before: 0, taken: true });
    say(chosen(4, 7));
    plant.until("/products", "rings");
    say(chosen(5, 7));
    plant.until("/metrics", "draem_log_entries 1");
    say(chosen(6, 3));
    plant.until("/metrics", "draem_log_entries 2");
    let entries = read::newest(&folder.path().join("state/log"), None, 9).unwrap().into_iter().map(Result::unwrap);
    let said: Vec<_> = entries.map(|entry| [entry.who, entry.role, entry.what, entry.before, entry.after]).collect();
    let entry = |after| ["wired input", "station", "changeover", "0 own (-)", after].map(str::to_owned);
    assert_eq!(said, [entry("3 (no recipe)"), entry("7 rings (-)")], "the newest first, and none of what was before");
}

/// What each address answers, once somebody is let in; there is no station, and the form is none.
const ADMITTED: [(&str, &str, u16); 23] = [
    ("GET", "/", 200),
    ("GET", "/events", 200),
    ("POST", "/acknowledge", 503),
    ("GET", "/rejects", 503),
    ("GET", "/parts/{run}/{part}", 503),
    ("POST", "/parts/{run}/{part}", 415),
    ("GET", "/pictures/{run}/{part}", 503),
    ("GET", "/originals/{run}/{part}", 503),
    ("GET", "/threshold", 503),
    ("POST", "/threshold", 415),
    ("GET", "/health", 503),
    ("GET", "/products", 200),
    ("POST", "/products", 415),
    ("GET", "/products/upload", 200),
    ("POST", "/products/upload", 415),
    ("GET", "/metrics", 200),
    ("GET", "/healthz", 503),
    ("GET", "/log", 200),
    ("GET", "/login", 200),
    ("POST", "/login", 415),
    ("GET", "/assets/style.css", 200),
    ("GET", "/assets/live.js", 200),
    // Last, since it ends the session.
    ("POST", "/logout", 303),
];

/// For nobody, operator, engineer and admin, by hand for what matters most; 0 is whatever is answered to who is let in.
const BY_HAND: [(&str, &str, &str, [u16; 4]); 15] = [
    ("anyone", "GET", "/", [0; 4]),
    ("anyone", "GET", "/metrics", [0; 4]),
    ("operator", "GET", "/", [401, 0, 0, 0]),
    ("operator", "GET", "/metrics", [401, 0, 0, 0]),
    ("operator", "GET", "/login", [0; 4]),
    ("operator", "GET", "/healthz", [0; 4]),
    ("anyone", "POST", "/acknowledge", [401, 0, 0, 0]),
    ("anyone", "POST", "/products", [401, 0, 0, 0]),
    ("anyone", "GET", "/products/upload", [401, 403, 0, 0]),
    ("anyone", "POST", "/products/upload", [401, 403, 0, 0]),
    ("anyone", "POST", "/parts/{run}/{part}", [401, 0, 0, 0]),
    ("anyone", "GET", "/threshold", [0; 4]),
    ("anyone", "POST", "/threshold", [401, 403, 0, 0]),
    ("anyone", "GET", "/log", [401, 403, 0, 0]),
    ("operator", "GET", "/log", [401, 403, 0, 0]),
];

#[test]
fn every_address_answers_every_role_as_the_table_says() {
    for look in ["anyone", "operator"] {
        let folder = peopled(&format!("look = \"{look}\"\n"));
        let plant = Plant::serve(folder.path());
        let visitors = std::iter::once((None, String::new(), String::new())).chain(
            Role::ALL.into_iter().zip(PEOPLE).map(|(role, (name, password))| {
                assert_eq!(role.name(), name);
                let (cookie, csrf) = plant.signed_in(name, password);
                (Some(role), cookie, csrf)
            }),
        );
        assert_eq!(ADMITTED.len(), ROUTES.len());
        for (number, (role, cookie, csrf)) in visitors.enumerate() {
            for (method, path, admitted) in ADMITTED {
                let route = ROUTES.iter().find(|route| route.method == method && route.path == path).expect(path);
                let needed = match route.needs {
                    Needs::Nothing => None,
                    Needs::Look | Needs::Figures if look == "anyone" => None,
                    Needs::Look | Needs::Figures => Some(Role::Operator),
                    Needs::Role(role) | Needs::Upload(role) => Some(role),
                };
                let expected = match role {
                    role if role >= needed => admitted,
                    None => 401,
                    Some(_) => 403,
                };
                let by_hand = BY_HAND.iter().find(|row| (row.0, row.1, row.2) == (look, method, path));
                if let Some((.., by_hand)) = by_hand {
                    let by_hand = if by_hand[number] == 0 { admitted } else { by_hand[number] };
                    assert_eq!(by_hand, expected, "{method} {path} for {role:?}");
                }
                let address = path.replace("{run}", "1").replace("{part}", "2");
                let token = if method == "POST" { format!("X-CSRF-Token: {csrf}\r\n") } else { String::new() };
                let answer = plant.ask(method, &address, &format!("{cookie}{token}"), "");
                assert_eq!(answer.status, expected, "{look}: {method} {path} for {role:?}: {}", answer.body);
                assert_eq!(answer.status == 401, answer.head.contains("www-authenticate"), "{}", answer.head);
            }
            let other = plant.ask("DELETE", "/log", &cookie, "");
            assert_eq!(other.status, 405, "what is not in the table is not done");
        }
    }
}

#[test]
fn a_program_has_figures_by_a_token_and_nothing_else_by_it() {
    let folder = peopled("look = \"operator\"\n");
    let token = folder.path().join("token");
    std::fs::write(&token, "a token of figures\n").unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    configure(folder.path(), HERE, &format!("{ROLES}look = \"operator\"\nmetrics_token_file = \"token\"\n"));
    let plant = Plant::serve(folder.path());
    let ask = |path: &str, token: &str| plant.ask("GET", path, &format!("Authorization: Bearer {token}\r\n"), "");
    let figures = ask("/metrics", "a token of figures");
    assert!(figures.status == 200 && figures.body.contains("draem_up 0"), "{}", figures.body);
    assert_eq!(ask("/metrics", "a token of figurez").status, 401);
    assert_eq!(plant.get("/metrics").status, 401);
    for path in ["/", "/health", "/log"] {
        assert_eq!(ask(path, "a token of figures").status, 401, "{path}");
    }
    let health = plant.get("/healthz");
    assert_eq!((health.status, health.body.as_str()), (503, "not well\n"), "no more than that");
    let (cookie, _) = plant.signed_in(PEOPLE[0].0, PEOPLE[0].1);
    assert!(plant.ask("GET", "/healthz", &cookie, "").body.starts_with("no station: "));
}

#[test]
fn a_session_is_one_browsers_and_a_change_is_meant() {
    let folder = peopled("");
    let listener = UnixListener::bind(folder.path().join("plant.sock")).unwrap();
    let plant = Plant::serve(folder.path());
    let _station = Station::accept(&listener);
    plant.until("/", "BIN_FULL");
    let page = plant.get("/").body;
    assert!(page.contains("Sign in to acknowledge") && !page.contains("csrf"), "{page}");
    assert!(plant.ask("GET", "/log", "Accept: text/html\r\n", "").body.contains("href=\"/login\""));

    let wrong = plant.sign_in("operator", "correct horse 2");
    assert!(
        wrong.status == 401 && !wrong.head.contains("set-cookie") && wrong.body.contains("is wrong"),
        "{}",
        wrong.body
    );
    let right = plant.sign_in("operator", PEOPLE[0].1);
    assert!(
        right.head.contains("; Path=/; HttpOnly; SameSite=Strict") && !right.head.contains("Secure"),
        "{}",
        right.head
    );
    let (cookie, csrf) = plant.signed_in(PEOPLE[0].0, PEOPLE[0].1);
    let (other, others) = plant.signed_in(PEOPLE[1].0, PEOPLE[1].1);
    assert!(plant.ask("GET", "/", &cookie, "").body.contains("operator (operator)"));
    for said in ["", "csrf=", &format!("csrf={others}"), &format!("csrf={}", &csrf[1..])] {
        let answer = plant.form("/acknowledge", &cookie, said);
        assert!(answer.status == 403 && answer.body.contains("Not done"), "{said}: {}", answer.body);
    }
    assert_eq!(plant.form("/acknowledge", &cookie, &format!("csrf={csrf}")).status, 202);
    let log = plant.ask("GET", "/log", &other, "").body;
    assert!(log.contains("BIN_FULL") && log.contains("Every entry is as it was written"), "{log}");
    assert!(plant.ask("GET", "/log?language=de", &other, "").body.contains("folgt auf den davor"));

    assert_eq!(plant.form("/logout", &cookie, &format!("csrf={csrf}")).status, 303);
    assert_eq!(plant.form("/acknowledge", &cookie, &format!("csrf={csrf}")).status, 401, "the cookie is nobody's now");
    // A password that is another now ends the sessions of before, without a restart.
    assert!(set_password(folder.path(), "engineer", "battery staple").status.success());
    let ended = (0..600).any(|_| {
        std::thread::park_timeout(Duration::from_millis(100));
        plant.ask("GET", "/log", &other, "").status == 401
    });
    assert!(ended);
    let tries = (0..20).map(|_| plant.sign_in("admin", "wrong again")).find(|answer| answer.status == 429);
    assert!(tries.expect("guessing becomes slow").head.contains("retry-after: "));
    assert!(!plant.get("/metrics").body.contains("draem_sign_ins_refused_total 0\n"));
    let entries = read::newest(&folder.path().join("state/log"), None, 99).unwrap().into_iter().map(Result::unwrap);
    let said: Vec<_> = entries.map(|entry| format!("{} {} {}", entry.what, entry.who, entry.role)).collect();
    for expected in [
        "password.set shell ",
        "session.refused operator ",
        "session.refused admin ",
        "session.begun engineer engineer",
        "acknowledge operator operator",
        "session.ended operator operator",
    ] {
        assert!(said.iter().any(|said| said == expected), "{expected} is not in {said:?}");
    }
    assert_eq!(edge_plant(folder.path(), &["verify-log"]).output().unwrap().status.code(), Some(0));
}

#[test]
fn a_threshold_is_set_by_an_engineer_with_a_reason_and_refused_to_an_operator() {
    let folder = peopled("");
    let listener = UnixListener::bind(folder.path().join("plant.sock")).unwrap();
    let plant = Plant::serve(folder.path());
    let station = Station::accept(&listener);
    plant.until("/threshold?target=2", "0.0970");
    let (caps, lids) = ("ca".repeat(32), "1d".repeat(32));
    let form = |csrf: &str, bundle: &str, threshold: &str, reason: &str| {
        format!("csrf={csrf}&bundle={bundle}&threshold={threshold}&reason={reason}")
    };
    let (cookie, csrf) = plant.signed_in(PEOPLE[0].0, PEOPLE[0].1);
    let page = plant.ask("GET", "/threshold?target=2", &cookie, "").body;
    assert!(page.contains("An engineer who is signed in") && !page.contains("name=\"reason\""), "{page}");
    assert_eq!(plant.form("/threshold", &cookie, &form(&csrf, &caps, "0.5", "look")).status, 403);

    let (cookie, csrf) = plant.signed_in(PEOPLE[1].0, PEOPLE[1].1);
    let page = plant.ask("GET", "/threshold?target=2", &cookie, "").body;
    for expected in ["name=\"threshold\" value=\"0.097\"", "value=\"own\"", &format!("value=\"{caps}\"")] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    for (threshold, reason, status) in [("1", "look", 422), ("0.5", "+", 422), ("x", "look", 422)] {
        let answer = plant.form("/threshold", &cookie, &form(&csrf, &caps, threshold, reason));
        assert_eq!(answer.status, status, "{threshold} {reason}");
    }
    assert_eq!(plant.form("/threshold", &cookie, &form("0f", &caps, "0.5", "look")).status, 403, "another page's form");
    assert!(station.thresholds.lock().unwrap().is_empty());
    for (bundle, threshold, reason, status) in
        [(&caps, "0.097", "new+lamp", 202), (&caps, "own", "old+lamp", 202), (&lids, "0.5", "mistaken", 409)]
    {
        assert_eq!(
            plant.form("/threshold", &cookie, &form(&csrf, bundle, threshold, reason)).status,
            status,
            "{reason}"
        );
    }
    assert_eq!(*station.thresholds.lock().unwrap(), [Some(0.097), None]);
    drop(station);
    plant.until("/threshold", "No connection to the station");
    assert_eq!(plant.form("/threshold", &cookie, &form(&csrf, &caps, "0.5", "late")).status, 503);

    let entries = read::newest(&folder.path().join("state/log"), None, 99).unwrap().into_iter().map(Result::unwrap);
    let said: Vec<_> = entries.filter(|entry| entry.what == "threshold").collect();
    let said: Vec<_> = said.iter().map(|entry| (&*entry.role, &*entry.before, &*entry.after)).collect();
    let lids = "0.5, bundle 1d1d1d1d1d1d1d1d: mistaken";
    let expected = [
        ("engineer", lids, "not set: refused by the station: OtherBundle"),
        ("engineer", "0.25", lids),
        ("engineer", "0.25", "the bundle's own, bundle cacacacacacacaca: old lamp"),
        ("engineer", "0.25", "0.097, bundle cacacacacacacaca: new lamp"),
    ];
    assert_eq!(said, expected, "the newest first");
}

#[test]
fn a_stream_of_events_ends_with_its_session() {
    let folder = peopled("look = \"operator\"\n");
    let plant = Plant::serve(folder.path());
    let (cookie, csrf) = plant.signed_in(PEOPLE[0].0, PEOPLE[0].1);
    let mut stream = TcpStream::connect(&plant.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nHost: {}\r\n{cookie}Connection: close\r\n\r\n", plant.address).unwrap();
    let mut piece = [0; 4_096];
    let begun = stream.read(&mut piece).unwrap();
    assert!(piece[..begun].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&piece[..begun]));
    assert_eq!(plant.form("/logout", &cookie, &format!("csrf={csrf}")).status, 303);
    // Something is sent every two seconds for as long as it goes on.
    let ended = (0..30).any(|_| stream.read(&mut piece).unwrap() == 0);
    assert!(ended, "whoever is signed out still watches");
}

#[test]
fn a_form_that_never_ends_is_not_waited_for_and_a_long_one_is_refused() {
    let folder = peopled("");
    let plant = Plant::serve(folder.path());
    let long = plant.form("/login", "", &"x".repeat(8_192));
    assert_eq!(long.status, 413);
    let mut stream = TcpStream::connect(&plant.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host = &plant.address;
    let head =
        format!("POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 99\r\n\r\nname=");
    stream.write_all(head.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
}

#[test]
fn who_only_stands_there_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), HERE, "");
    let plant = Plant::serve(folder.path());
    let standing: Vec<_> = (0..600).map(|_| TcpStream::connect(&plant.address).unwrap()).collect();
    let mut stream = TcpStream::connect(&plant.address).unwrap();
    // Shorter than the time after which those that stand there are closed in any case.
    stream.set_read_timeout(Some(Duration::from_secs(9))).unwrap();
    let request = format!("GET /login HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", plant.address);
    assert_eq!(answer(&mut stream, &request, "/login").status, 200);
    drop(standing);
}

#[test]
fn beyond_this_machine_nothing_is_served_before_an_admin_has_a_password_and_then_with_tls() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, text) in [("c.pem", include_str!("tls/certificate.pem")), ("k.pem", include_str!("tls/key.pem"))] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let everywhere = "listen = \"0.0.0.0:0\"\n";
    configure(folder, everywhere, &format!("{ROLES}[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n"));
    for command in ["serve", "check-config"] {
        let refused = edge_plant(folder, &[command]).output().unwrap();
        assert!(
            refused.status.code() == Some(2) && text(&refused).contains("no admin has a password"),
            "{}",
            text(&refused)
        );
    }
    let short = set_password(folder, "admin", "short");
    assert!(short.status.code() == Some(2) && text(&short).contains("8 to 256 characters"), "{}", text(&short));
    assert!(set_password(folder, "admin", "battery staple").status.success());
    assert_eq!(edge_plant(folder, &["check-config"]).output().unwrap().status.code(), Some(0));
    let plant = Plant::serve(folder);
    assert_eq!(plant.scheme, "https");
    let answer = plant.sign_in("admin", "battery staple");
    assert!(answer.status == 303 && answer.head.contains("SameSite=Strict; Secure"), "{}", answer.head);
    let (cookie, _) = plant.signed_in("admin", "battery staple");
    assert_eq!(plant.ask("GET", "/log", &cookie, "").status, 200);
    // Who speaks no TLS is not answered, and keeps nobody out.
    let mut stream = TcpStream::connect(&plant.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said));
    assert!(!said.starts_with(b"HTTP"));
    assert_eq!(plant.get("/").status, 200);
    drop(plant);

    configure(folder, &format!("{everywhere}insecure_plain_http = true\n"), ROLES);
    let checked = edge_plant(folder, &["check-config"]).output().unwrap();
    assert!(checked.status.success() && text(&checked).contains("warning: insecure_plain_http"), "{}", text(&checked));
    let remove = |name: &str| edge_plant(folder, &["remove-password", "--name", name]).output().unwrap();
    assert!(remove("admin").status.code() == Some(2) && text(&remove("emil")).contains("nobody named"));
}
