#!/usr/bin/env python3
"""Runs a station in real time for hours, as systemd would, and says whether it grows.

    tests/soak/soak.py target/release/edge-runtime --minutes 120 --out target/soak-report

Listens where systemd would listen for signs of life, and reads memory, open files and threads of the process every ten seconds.
Ends with 0 when every sign of life came in time, memory was flat from the tenth minute on, and neither files nor threads became
more. Writes samples.csv and soak.json. It judges no part: the station's own table at the end does.
"""

import argparse
import csv
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE_S = 10
# As in the station's unit.
WATCHDOG_S = 10
SETTLED_S = 600
# Of the median of the last quarter over that of the first: pages that an allocator keeps, no more.
GROWTH_KIB = 2048


def arguments():
    parser = argparse.ArgumentParser(description="Runs a station for hours and says whether it grows.")
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--config", type=pathlib.Path, default=HERE / "soak.toml")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    return parser.parse_args()


def sample(pid):
    """Resident memory in KiB, open files and threads of a process."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    field = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return int(field["VmRSS"].split()[0]), files, int(field["Threads"])


def listen(sock, until, said, process):
    """Takes in what the station says until a moment, with the moment at which each came."""
    while (left := until - time.monotonic()) > 0 and process.poll() is None:
        sock.settimeout(min(left, 1.0))
        try:
            text = sock.recv(4096).decode(errors="replace")
        except socket.timeout:
            continue
        said.append((time.monotonic(), text))


def run(options, folder):
    path = str(pathlib.Path(folder) / "notify")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    options.out.mkdir(parents=True, exist_ok=True)
    command = [options.program, "run", "--config", options.config, "--real-time", "--out", options.out / "audit"]
    environment = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC=str(WATCHDOG_S * 1_000_000))
    with open(options.out / "station.out", "wb") as out, open(options.out / "station.err", "wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        began = time.monotonic()
        said, samples = [], []
        try:
            while (now := time.monotonic()) < began + options.minutes * 60 and process.poll() is None:
                try:
                    samples.append((round(now - began, 1), *sample(process.pid)))
                except OSError:
                    break
                listen(sock, now + SAMPLE_S, said, process)
            ended_early = process.poll()
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=30)
    return began, said, samples, ended_early, code


def judge(began, said, samples, ended_early, code):
    pings = [at for at, text in said if "WATCHDOG=1" in text]
    ready = next((at for at, text in said if "READY=1" in text), None)
    gaps = [later - earlier for earlier, later in zip([ready or began, *pings], pings)]
    settled = [entry for entry in samples if entry[0] >= min(SETTLED_S, samples[-1][0] / 4)]
    quarter = max(1, len(settled) // 4)

    def growth(column):
        values = [entry[column] for entry in settled]
        return statistics.median(values[-quarter:]) - statistics.median(values[:quarter])

    figures = {
        "hours": round(samples[-1][0] / 3600, 3),
        "samples": len(samples),
        "pings": len(pings),
        "ping_gap_s": {"median": round(statistics.median(gaps), 3), "most": round(max(gaps), 3)} if gaps else None,
        "memory_kib": {
            "first": samples[0][1],
            "settled": settled[0][1],
            "last": samples[-1][1],
            "most": max(entry[1] for entry in samples),
            "growth": growth(1),
        },
        "files": {"least": min(entry[2] for entry in settled), "most": max(entry[2] for entry in settled), "growth": growth(2)},
        "threads": {"least": min(entry[3] for entry in settled), "most": max(entry[3] for entry in settled), "growth": growth(3)},
        "exit_code": code,
    }
    checks = {
        "it ran to the end": ended_early is None and code == 0,
        "it said that it was ready": ready is not None,
        f"every sign of life came within {WATCHDOG_S} s": bool(gaps) and max(gaps) < WATCHDOG_S,
        f"memory grew by less than {GROWTH_KIB} KiB": figures["memory_kib"]["growth"] < GROWTH_KIB,
        "files did not become more": figures["files"]["growth"] <= 0,
        "threads did not become more": figures["threads"]["growth"] <= 0,
    }
    return figures, checks


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        course = run(options, folder)
    samples = course[2]
    if not samples:
        sys.exit(f"{options.program} did not start; see {options.out / 'station.err'}")
    with open(options.out / "samples.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", "rss_kib", "files", "threads"])
        writer.writerows(samples)
    figures, checks = judge(*course)
    (options.out / "soak.json").write_text(json.dumps({"figures": figures, "checks": checks}, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    for check, held in checks.items():
        print("holds:" if held else "FAILS:", check)
    sys.exit(0 if all(checks.values()) else 1)


if __name__ == "__main__":
    main()
