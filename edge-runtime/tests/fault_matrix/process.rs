//! What ends the whole process, and what it leaves: the program itself, on the shipped virtual line in real time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use edge_runtime::store::{Filter, Reader};

use super::Row;

const PROGRAM: &str = env!("CARGO_BIN_EXE_edge-runtime");

/// Long enough for parts to have left.
const RUNNING: Duration = Duration::from_secs(6);

/// The rows, in the order of the table.
pub fn rows() -> Vec<(String, Row)> {
    let row = |name: &str, end: String, broken: String| (name.to_owned(), Row { end, broken, ..Row::default() });
    let (stopped, killed, full_disk) = (stopped(), killed(), full_disk());
    vec![
        row("SIGTERM", stopped.0, stopped.1),
        row("SIGKILL, also by the kernel for want of memory", killed.0, killed.1),
        row("the disk is full", full_disk.0, full_disk.1),
        row("no memory for the model", starved(), String::new()),
        row("the bundle is damaged", damaged_bundle(), String::new()),
        row("the folder of records is in the way", folder_in_the_way(), String::new()),
    ]
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/demo")
}

fn command(audit: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sim.toml");
    command.args(["run", "--real-time", "--config", config, "--parts", "10000", "--out"]).arg(audit);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn running(audit: &Path) -> Child {
    let child = command(audit).spawn().unwrap();
    std::thread::sleep(RUNNING);
    child
}

fn code(status: ExitStatus) -> String {
    status.code().map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit code {code}"))
}

fn stopped() -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = running(folder.path());
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = child.wait().unwrap();
    (format!("ends, {}", code(status)), lost(folder.path(), &[1]))
}

fn killed() -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut first = running(folder.path());
    first.kill().unwrap();
    let status = first.wait().unwrap();
    let mut second = running(folder.path());
    second.kill().unwrap();
    second.wait().unwrap();
    (format!("{}; starts again", code(status)), lost(folder.path(), &[1, 2]))
}

/// A file that may not grow is to the program what a full disk is, once the kernel's signal about it is not heard.
fn full_disk() -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = limited("trap '' XFSZ; ulimit -f 300", folder.path()).spawn().unwrap();
    std::thread::sleep(RUNNING);
    assert!(child.try_wait().unwrap().is_none(), "it ended before it was told to");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    (format!("goes on until it is told to end, {}", code(status)), lost(folder.path(), &[1]))
}

/// The program in a shell that has limited it.
fn limited(how: &str, audit: &Path) -> Command {
    let whole = command(audit);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{how}; exec \"$0\" \"$@\""), PROGRAM]).args(whole.get_args());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    shell
}

/// Some memory for the program, and none for what it loads.
fn starved() -> String {
    let folder = tempfile::tempdir().unwrap();
    let status = limited("ulimit -v 20000", folder.path()).status().unwrap();
    assert!(!status.success(), "it ran with 20 MB");
    "does not start".to_owned()
}

fn damaged_bundle() -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(models().join("cap-nano.draem")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let bundle = folder.path().join("damaged.draem");
    std::fs::write(&bundle, bytes).unwrap();
    let audit = folder.path().join("audit");
    let status = command(&audit).arg("--bundle").arg(bundle).status().unwrap();
    assert!(!audit.exists(), "a run was begun with a damaged bundle");
    format!("does not start, {}", code(status))
}

fn folder_in_the_way() -> String {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    std::fs::write(&audit, "a file").unwrap();
    format!("does not start, {}", code(command(&audit).status().unwrap()))
}

/// What of the records of these runs is not as it must be.
fn lost(folder: &Path, runs: &[i64]) -> String {
    let reader = Reader::open(folder).unwrap();
    if let Err(error) = reader.check() {
        return error.to_string();
    }
    let mut numbers: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for entry in reader.entries(Filter::default()) {
        let entry = entry.unwrap();
        numbers.entry(entry.run.0).or_default().push(entry.record.get().part.0);
    }
    let whole = |parts: &Vec<u32>| parts.iter().copied().eq(1..=parts.len() as u32);
    for run in runs {
        if !numbers.get(run).is_some_and(whole) {
            return format!("run {run} has records of {:?}", numbers.get(run));
        }
    }
    String::new()
}
