#!/usr/bin/env python3
"""Judges what was seen on the emulated board.

    judge.py SEEN

Takes the folder that guest/job filled. Prints a line for each check, with its evidence, writes each scenario's display as
SEEN/SCENARIO/display.png, and ends with 1 if anything was not as it must be. Without records, as
of the stand-in, the gate alone is judged. It knows nothing of times: a slow machine changes no result.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from statistics import median

from plan import BROKEN, GEOMETRY, KILL, NO_RECIPE
from png import write_grey

# A record belongs to the part whose edge is this near to its own; edges are hundreds of milliseconds apart.
SAME_EDGE_US = 50_000
# The gate is told to divert when a part is this far before it; as in station.toml.
WINDOW_BEFORE_UM = 12_000
# Lines of the station's talk that are shown.
LAST_WORDS = 4

# How often the belt stands among the faults.
HELD = len(BROKEN) + 1

PASSED, DIVERTED = [0, 0, 0], [1, 1, 1]


class Report:
    """Prints checks and counts those that failed."""

    def __init__(self):
        self.failed = 0

    def check(self, good, what, evidence=""):
        self.failed += not good
        print(f"  {'ok    ' if good else 'FAILED'}  {what}{f': {evidence}' if evidence else ''}")


def note(what, evidence):
    print(f"          {what}: {evidence}")


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_records(folder):
    """The records, or nothing where this station cannot show any."""
    if not (folder / "records").exists() or "unrecognized subcommand" in (folder / "records.err").read_text():
        return None
    text = (folder / "records").read_text()
    return json.loads(text) if text.strip() else []


def same_edge(record, part):
    """The part's edge at the trigger, or, where that was not seen, at the photogate."""
    return min(abs(record["seen_us"] - part["edge_t"]), abs(record["seen_us"] - part["photo_t"])) < SAME_EDGE_US


def on_belts_clock(parts, records):
    """The records with the belt's times: a station may count from the start of each of its runs."""
    out = []
    for run in sorted({str(r.get("run")) for r in records}):
        mine = [r for r in records if str(r.get("run")) == run]

        def moved(by, mine=mine):
            return [{**r, "seen_us": r["seen_us"] + by} for r in mine]

        offsets = [0] + [p["edge_t"] - mine[0]["seen_us"] for p in parts]
        out += max((moved(by) for by in offsets), key=lambda rs: sum(any(same_edge(r, p) for p in parts) for r in rs))
    return out


def fault_of(part, records):
    """Why this part was not treated as it must be; empty when it was."""
    got = part["gate"]
    if got not in (PASSED, DIVERTED):
        return f"the gate moved while it was there {got}"
    if part["expect"] == "pass" and got != PASSED or part["expect"] == "reject" and got != DIVERTED:
        return f"expected {part['expect']}, gate {'diverted' if got == DIVERTED else 'let it pass'}"
    if part["kind"] != "good" and got == PASSED:
        return f"a {part['kind']} passed"
    if records is None:
        return ""
    mine = [r for r in records if same_edge(r, part)]
    # Of a part that the encoder lost, the photogate knows nothing: it meets a stranger there.
    if part["expect"] == "any" and got == DIVERTED and mine and not any(r["passed"] for r in mine):
        return ""
    if len(mine) != 1:
        return f"{len(mine)} records"
    if mine[0]["passed"] != (got == PASSED):
        return f"its record says {'passed' if mine[0]['passed'] else 'rejected'}"
    if mine[0]["passed"] and mine[0]["verdict"] != "good":
        return f"passed as {mine[0]['verdict']}"
    return ""


def judge_parts(report, events, records):
    parts = [e for e in events if "part" in e]
    records = None if records is None else on_belts_clock(parts, records)
    faults = [(p, fault) for p in parts if (fault := fault_of(p, records))]
    passed = sum(p["gate"] == PASSED for p in parts)
    evidence = [f"{p['part']} ({p['kind']}) {fault}" for p, fault in faults]
    report.check(not faults and parts, f"{len(parts)} parts, {passed} passed, {len(parts) - passed} rejected", "; ".join(evidence))
    if records is not None:
        strangers = sum(p["expect"] == "any" for p in parts)
        enough = len(parts) <= len(records) <= len(parts) + strangers
        report.check(enough and parts, "one record each", f"{len(records)} records, at most {strangers} more for parts that the encoder lost")
        reasons = Counter(r["reason"] or r["verdict"] for r in records if not r["passed"])
        note("rejected for", ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())))
    return parts


def judge_gate(report, events, parts):
    """Every pulse must belong to a rejected part; prints how near to its place it came."""
    opened = [e["x"] for e in events if e.get("line") == "reject" and e["value"]]
    planned = [p["edge_x"] + GEOMETRY["gate"] * 1000 - WINDOW_BEFORE_UM for p in parts if p["gate"] == DIVERTED]
    errors = sorted(abs(min((x - place for x in opened), key=abs)) / 1000 for place in planned) if opened else []
    if errors:
        note("gate opened", f"{median(errors):.1f} mm from its place at the median, {errors[-1]:.1f} mm at most")
    report.check(len(opened) <= len(planned) + 1, "no pulse without a part", f"{len(opened)} pulses, {len(planned)} rejected parts")


def judge_service(report, said, killed, status):
    ends = [s for s in said if "status" in s]
    words = Counter(s["said"] for s in said if "said" in s)
    starts = 2 if killed else 1
    report.check(words["READY=1"] == starts and words["WATCHDOG=1"] > 0, "says that it is ready and alive", f"{words['READY=1']} starts")
    report.check(not any("bitten" in s for s in said) and len(ends) == starts, "the watchdog did not bite", f"{len(ends)} ends")
    report.check(status == "0", "stops when told to", f"status {status}, at most {ends[-1]['max_rss_kib'] // 1024} MiB" if ends else "never ended")


def judge_outputs(report, events, scenario):
    beats = [e for e in events if e.get("line") == "heartbeat"]
    permits = [e["value"] for e in events if e.get("line") == "run-ok"]
    report.check(len(beats) > 10, "heartbeat", f"{len(beats)} changes")
    if scenario == "line":
        report.check(permits == [1], "the permit holds for the whole shift", f"run-ok {permits}")
        return
    report.check(permits.count(0) == HELD and permits[-1:] == [1], "the belt is held for each fault of the camera and the kill", f"run-ok {permits}")
    killed_at = next((e["t"] for e in events if e.get("did") == KILL), None)
    after = [(e["line"], e["value"]) for e in events if "line" in e and killed_at and e["t"] >= killed_at]
    safe = ("run-ok", 0) in after[:4] and ("reject", 1) in after[:4]
    report.check(safe, "killed, it diverts and takes the permit away", f"{after[:4]}")


def judge_select(report, said):
    """A product is chosen at the inputs that there is not: heard once, and nothing changes."""
    heard = [line for line in said.splitlines() if "wired input" in line or "no recipe has number" in line]
    known = sum(f"no recipe has number {NO_RECIPE};" in line for line in heard)
    report.check(len(heard) == 2 and known == 1, "hears the inputs at which a product is chosen", "; ".join(heard) or "nothing")


def judge_display(report, folder):
    path = folder / "display.pbm"
    if not path.exists():
        report.check(False, "display", "nothing was drawn")
        return
    _, size, bits = path.read_bytes().split(b"\n", 2)
    width, height = map(int, size.split())
    grey = bytes(0 if bits[i // 8] >> (7 - i % 8) & 1 else 255 for i in range(width * height))
    write_grey(folder / "display.png", width, height, grey)
    lit = grey.count(255) / len(grey)
    report.check(0.01 < lit < 0.6, "display", f"{lit:.0%} lit after {(folder / 'transfers').read_text().strip()} transfers")


def judge(report, folder):
    print(f"\n{folder.name}")
    events, said = lines(folder / "events"), lines(folder / "station.log")
    records = read_records(folder)
    if records is None:
        note("records", "none to be had; the gate alone is judged")
    killed = any(e.get("did") == KILL for e in events)
    status = (folder / "belt").read_text().strip()
    report.check(status == "0", "the belt came to its end", (folder / "belt.err").read_text().strip() or f"status {status}")
    parts = judge_parts(report, events, records)
    judge_gate(report, events, parts)
    judge_outputs(report, events, folder.name)
    judge_display(report, folder)
    if records is not None and folder.name == "line":
        judge_select(report, (folder / "station.err").read_text())
    note("camera set to", ", ".join((folder / "controls").read_text().splitlines()))
    judge_service(report, said, killed, (folder / "station").read_text().strip())
    for line in (folder / "station.err").read_text().splitlines()[-LAST_WORDS:]:
        note("station", line)


def main(seen):
    report = Report()
    for scenario in sorted(p for p in Path(seen).iterdir() if p.is_dir()):
        judge(report, scenario)
    print(f"\n{report.failed or 'nothing'} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
