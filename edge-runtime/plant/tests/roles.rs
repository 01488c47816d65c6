//! The program as people meet it who may do less or more: what is written down of what they do.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use edge_plant::log::read;
use edge_plant::wire::{self, Alarm, Decoder, Greeting, PREFACE, Standing, State, ToPlant, ToStation};
use shared::units::{Micros, Score};

/// A wait that lasts longer means that what is waited for never comes.
const PATIENCE: Duration = Duration::from_secs(120);

fn edge_plant(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-plant"));
    command.args(arguments).arg("--config").arg(folder.join("plant.toml"));
    command
}

fn configure(folder: &Path, more: &str) {
    let config = format!("[station]\nsocket = \"plant.sock\"\n[web]\nlisten = \"127.0.0.1:0\"\n{more}");
    std::fs::write(folder.join("plant.toml"), config).unwrap();
}

/// The program, serving from a folder that is configured already.
struct Plant {
    child: Child,
    address: String,
}

impl Plant {
    fn serve(folder: &Path) -> Self {
        let mut child = edge_plant(folder, &["serve"]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let address =
            said.find_map(|line| Some(line.unwrap().strip_prefix("http://")?.trim_end_matches('/').to_owned()));
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, address: address.expect("it says where it listens") }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (host, length) = (&self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
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
    body: String,
}

/// A station with one alarm, that says so until it is dropped and takes every request.
struct Station(UnixStream);

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
        let alarms = vec![Alarm { code, remedy, stops: true, present: false, latched: true }];
        let standing = ToPlant::Standing(Box::new(Standing { state: State::Fault, alarms, ..Standing::default() }));
        wire::encode(&ToPlant::Greeting(greeting), &mut out).unwrap();
        stream.write_all(&out).unwrap();
        let (mut reader, mut writer) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        let mut say = move |word: &ToPlant| {
            let mut out = Vec::new();
            wire::encode(word, &mut out).unwrap();
            writer.write_all(&out)
        };
        reader.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        std::thread::spawn(move || {
            let (mut decoder, mut bytes) = (Decoder::default(), [0; 256]);
            while say(&standing).is_ok() {
                match reader.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(read) => decoder.push(&bytes[..read]),
                    Err(_) => {}
                }
                while let Some(ToStation::Acknowledge { number }) = decoder.message().unwrap() {
                    drop(say(&ToPlant::Answer { number, taken: true }));
                }
            }
        });
        Self(stream)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.0.shutdown(std::net::Shutdown::Both));
    }
}

fn text(output: &Output) -> String {
    String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap()
}

#[test]
fn what_is_pressed_is_in_the_log_and_an_edit_of_it_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configure(folder, "[roles]\nfolder = \"state\"\n");
    let listener = UnixListener::bind(folder.join("plant.sock")).unwrap();
    let plant = Plant::serve(folder);
    assert_eq!(plant.ask("POST", "/acknowledge", "", "").status, 503, "there is no station yet");
    let station = Station::accept(&listener);
    plant.until("/", "BIN_FULL");
    assert_eq!(plant.ask("POST", "/acknowledge", "", "").status, 202);
    let told = plant.until("/metrics", "draem_log_entries 3");
    let log = folder.join("state/log");
    let away = folder.join("away");
    std::fs::rename(&log, &away).unwrap();
    let refused = plant.ask("POST", "/acknowledge", "", "");
    assert!(refused.status == 503 && refused.body.contains("Not done"), "{}", refused.body);
    std::fs::rename(&away, &log).unwrap();
    drop((plant, station));

    let entries: Vec<_> = read::newest(&log, None, 9).unwrap().into_iter().map(Result::unwrap).collect();
    let said: Vec<_> = entries.iter().map(|entry| (&*entry.what, &*entry.before, &*entry.after)).collect();
    assert_eq!(
        said,
        [
            ("acknowledge", "BIN_FULL", "pressed"),
            ("acknowledge", "pressed", "not taken: no station is connected"),
            ("acknowledge", "no station", "pressed"),
        ]
    );
    let verify = |more: &[&str]| edge_plant(folder, &["verify-log"]).args(more).output().unwrap();
    let whole = verify(&[]);
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole));
    let head = told.split_once("draem_log_head{head=\"").unwrap().1.split('"').next().unwrap();
    assert!(text(&whole).contains(head), "{head} is not in {}", text(&whole));
    assert_eq!(verify(&["--head", head]).status.code(), Some(0));
    assert_eq!(verify(&["--head", "3"]).status.code(), Some(2));

    let file = std::fs::read_dir(&log).unwrap().map(|file| file.unwrap().path());
    let file = file.into_iter().find(|file| file.extension().is_some()).unwrap();
    let text_of = std::fs::read_to_string(&file).unwrap();
    let shorter: String = text_of.split_inclusive('\n').take(2).collect();
    std::fs::write(&file, shorter).unwrap();
    assert_eq!(verify(&[]).status.code(), Some(0), "a chain does not know its own end");
    let short = verify(&["--head", head]);
    assert_eq!(short.status.code(), Some(3), "{}", text(&short));
    std::fs::write(&file, text_of.replacen("anyone", "nobody", 1)).unwrap();
    let edited = verify(&[]);
    assert_eq!(edited.status.code(), Some(3));
    assert!(text(&edited).contains("line 1: does not fit its own hash"), "{}", text(&edited));
}
