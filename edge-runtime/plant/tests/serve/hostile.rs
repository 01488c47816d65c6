//! Whatever comes in by the program's ports: requests and frames that are nearly right, cut, doubled, spoiled, or nothing of the kind.
//!
//! `DRAEM_HOSTILE_CASES` sets how many (2,000 of each kind).

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// A stranger waits this long for an answer and is gone then, whatever it has begun.
const STAYS: Duration = Duration::from_millis(10);

/// What the program may grow by, in KiB: 64 MiB to compare one password at a time, and some for threads and connections.
const GROWTH_KIB: u64 = 80 * 1024;

/// Requests as browsers and controllers send them.
fn requests(address: &str) -> Vec<Vec<u8>> {
    let form = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
        )
    };
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: language=de; session=0123\r\n\r\n");
    let mut all = vec![form("/login", "name=admin&password=caps%20and%20caps"), form("/acknowledge", "csrf=0123")];
    let paths =
        ["/", "/events", "/metrics", "/rejects?code=BAD&hours=8&before=2000000.3.2", "/rejects/3/2", "/log?page=2"];
    all.extend(paths.map(get));
    all.into_iter().map(String::into_bytes).collect()
}

/// Modbus frames: read coils, inputs, holding and input registers; write a coil, a register, several of each.
fn frames() -> Vec<Vec<u8>> {
    let bodies: [&[u8]; 8] = [
        &[1, 0, 0, 0, 8],
        &[2, 0, 0, 0, 16],
        &[3, 0, 0, 0, 10],
        &[4, 0, 0, 0, 8],
        &[5, 0, 2, 0xff, 0],
        &[6, 0, 1, 0, 7],
        &[15, 0, 0, 0, 8, 1, 0],
        &[16, 0, 0, 0, 2, 4, 0, 1, 0, 2],
    ];
    bodies.map(|body| [&[0, 7, 0, 0, 0, body.len() as u8 + 1, 1][..], body].concat()).into()
}

/// Something done to bytes that were right.
#[derive(Debug, Clone)]
enum Harm {
    Spoil(Index, u8),
    Cut(Index),
    Double(Index, Index),
    Insert(Index, Vec<u8>),
    Many(Index, u8, u16),
}

impl Harm {
    fn to(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        match self {
            Self::Spoil(index, by) => {
                if let Some(byte) =
                    (!bytes.is_empty()).then(|| index.index(bytes.len())).and_then(|at| bytes.get_mut(at))
                {
                    *byte ^= by;
                }
            }
            Self::Cut(index) => bytes.truncate(at(index, bytes)),
            Self::Double(from, to) => {
                let (from, to) = (at(from, bytes), at(to, bytes));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(piece);
            }
            Self::Insert(index, more) => drop(bytes.splice(at(index, bytes)..at(index, bytes), more.iter().copied())),
            Self::Many(index, byte, count) => {
                let (at, many) = (at(index, bytes), std::iter::repeat_n(*byte, usize::from(*count)));
                drop(bytes.splice(at..at, many));
            }
        }
    }
}

fn harms() -> impl Strategy<Value = Vec<Harm>> {
    let harm = prop_oneof![
        (any::<Index>(), 1u8..).prop_map(|(at, by)| Harm::Spoil(at, by)),
        any::<Index>().prop_map(Harm::Cut),
        any::<(Index, Index)>().prop_map(|(from, to)| Harm::Double(from, to)),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, more)| Harm::Insert(at, more)),
        (any::<Index>(), any::<u8>(), any::<u16>()).prop_map(|(at, byte, count)| Harm::Many(at, byte, count)),
    ];
    prop::collection::vec(harm, 1..5)
}

/// Sends bytes, hears what comes in a moment, and goes.
fn visit(address: &str, bytes: &[u8]) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    stream.set_read_timeout(Some(STAYS)).unwrap();
    stream.set_write_timeout(Some(STAYS)).unwrap();
    // One that is shown the door while it talks has been answered too.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut heard = [0; 4096];
    while stream.read(&mut heard).is_ok_and(|read| read > 0) {}
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn strangers_at_the_ports_neither_end_the_program_nor_stay_in_its_memory() {
    let cases = std::env::var("DRAEM_HOSTILE_CASES").map_or(2_000, |cases| cases.parse().unwrap());
    let (plant, listener) = Plant::start();
    let mut station = Station::accept(&listener, plant.folder.path().join("audit"));
    station.stand(State::Run, Vec::new());
    plant.until("/healthz", "run");
    // What is nearly right may be right enough to press the button.
    std::thread::spawn(move || {
        while let Some(ToStation::Acknowledge { number }) = station.hears() {
            station.say(&ToPlant::Answer { number, taken: true });
        }
    });
    let before = resident_kib(plant.child.id());
    let kinds = [(plant.address.clone(), requests(&plant.address)), (plant.modbus.clone(), frames())];
    for (address, right) in &kinds {
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
        let case = (prop::sample::select(right.clone()), harms());
        let visited = runner.run(&case, |(mut bytes, harms)| {
            harms.iter().for_each(|harm| harm.to(&mut bytes));
            visit(address, &bytes);
            Ok(())
        });
        visited.unwrap();
    }
    assert_eq!(plant.get("/healthz").status, 200);
    assert_eq!(plant.get("/rejects").status, 200);
    let mut controller = TcpStream::connect(&plant.modbus).unwrap();
    controller.set_read_timeout(Some(PATIENCE)).unwrap();
    controller.write_all(&frames()[3]).unwrap();
    let mut head = [0; 9];
    controller.read_exact(&mut head).unwrap();
    assert_eq!((head[..5].to_vec(), head[7..].to_vec()), (vec![0, 7, 0, 0, 0], vec![4, 16]), "8 input registers");
    let grown = resident_kib(plant.child.id()).saturating_sub(before);
    assert!(grown < GROWTH_KIB, "{grown} KiB more than before {cases} visits of each kind");
    println!("{cases} visits of each kind: {grown} KiB more than {before} KiB before");
}
