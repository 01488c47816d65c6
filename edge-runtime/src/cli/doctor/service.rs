//! Whether somebody restarts the station when it hangs: systemd, and behind it the board's own watchdog.

use std::path::Path;

use super::row::Row;

/// Where units lie, the first of a name counts.
const FOLDERS: [&str; 3] = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
const UNIT: &str = "edge-runtime.service";

/// Looks at the file system below `root`.
pub(super) fn check(root: &Path) -> Vec<Row> {
    vec![unit(root), watchdog(root)]
}

fn unit(root: &Path) -> Row {
    const WHAT: &str = "systemd watchdog";
    if !root.join("run/systemd/system").is_dir() {
        return Row::look(
            WHAT,
            "systemd does not run here",
            "nobody restarts a station that hangs, unless something else does",
        );
    }
    let text = FOLDERS.iter().find_map(|folder| std::fs::read_to_string(root.join(folder).join(UNIT)).ok());
    let Some(text) = text else {
        return Row::look(
            WHAT,
            format!("{UNIT} is not installed"),
            "install the package, or write a unit with Type=notify and WatchdogSec=",
        );
    };
    let patience = text.lines().rev().find_map(|line| line.trim().strip_prefix("WatchdogSec=")).map(str::trim);
    let Some(patience) = patience.filter(|patience| !matches!(*patience, "" | "0")) else {
        return Row::look(WHAT, format!("{UNIT} has no WatchdogSec="), "add it: nobody restarts a station that hangs");
    };
    if !root.join("etc/systemd/system/multi-user.target.wants").join(UNIT).is_symlink() {
        let remedy = "the station does not start with the board: sudo systemctl enable --now edge-runtime";
        return Row::look(WHAT, format!("{UNIT} is installed, and not enabled"), remedy);
    }
    Row::ok(WHAT, format!("{UNIT} is enabled; WatchdogSec={patience}"))
}

fn watchdog(root: &Path) -> Row {
    const WHAT: &str = "board's watchdog";
    if root.join("dev/watchdog").exists() {
        return Row::ok(WHAT, "/dev/watchdog is there; systemd feeds it with RuntimeWatchdogSec= in system.conf");
    }
    Row::look(
        WHAT,
        "no /dev/watchdog",
        "a kernel that hangs is not restarted: switch the board's watchdog on in its configuration",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::row::Mark;

    #[test]
    fn each_step_to_a_watchdog_that_works_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let finds = |mark, finding: &str| {
            let row = unit(root);
            assert!(row.mark == mark && row.finding == finding, "{finding}: {row:?}");
        };
        finds(Mark::Look, "systemd does not run here");
        std::fs::create_dir_all(root.join("run/systemd/system")).unwrap();
        finds(Mark::Look, "edge-runtime.service is not installed");
        let units = root.join("usr/lib/systemd/system");
        std::fs::create_dir_all(&units).unwrap();
        std::fs::write(units.join(UNIT), "[Service]\nType=notify\n").unwrap();
        finds(Mark::Look, "edge-runtime.service has no WatchdogSec=");
        std::fs::write(units.join(UNIT), include_str!("../../../package/edge-runtime.service")).unwrap();
        finds(Mark::Look, "edge-runtime.service is installed, and not enabled");
        let wants = root.join("etc/systemd/system/multi-user.target.wants");
        std::fs::create_dir_all(&wants).unwrap();
        std::os::unix::fs::symlink(units.join(UNIT), wants.join(UNIT)).unwrap();
        finds(Mark::Ok, "edge-runtime.service is enabled; WatchdogSec=10");
        assert_eq!(watchdog(root).mark, Mark::Look);
        std::fs::create_dir(root.join("dev")).unwrap();
        std::fs::write(root.join("dev/watchdog"), "").unwrap();
        assert_eq!(watchdog(root).mark, Mark::Ok);
    }
}
