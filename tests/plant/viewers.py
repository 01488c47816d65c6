"""Viewers of a page in turns with nobody: viewers.py ADDRESS RECORDS PROCESS SECONDS

Fills the store with rejects of an earlier run, lets twenty watch and walk the gallery every other turn, and compares the gate's fire errors of the
turns and the process's memory. Ends with 1 when viewers are told apart from nobody by more than nobody from nobody, or memory grows.
"""

import re
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request

VIEWERS, REJECTS = 20, 10_000
# Turns of one kind differ by this much of the greater one's own p99 and by this many microseconds on any machine that shares its cores.
SHARE, MICROSECONDS = 0.5, 500
GROWTH_KIB = 32 * 1024

address, records, process, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])


def fill():
    """Ten thousand rejects of a run before the first, with the pictures of one that was kept."""
    store = sqlite3.connect(records, timeout=30)
    columns = [row[1] for row in store.execute("PRAGMA table_info(records)")]
    others = ", ".join(column for column in columns if column not in ("run", "part"))
    with store:
        runs = [row[1] for row in store.execute("PRAGMA table_info(runs)") if row[1] != "run"]
        store.execute(f"INSERT INTO runs (run, {', '.join(runs)}) SELECT 0, {', '.join(runs)} FROM runs ORDER BY run LIMIT 1")
        store.execute(
            f"""WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {REJECTS})
                INSERT INTO records (run, part, {others})
                SELECT 0, n, {others} FROM count, (SELECT * FROM records WHERE passed = 0 AND picture IS NOT NULL LIMIT 1)"""
        )
    found = store.execute("SELECT count(*) FROM records WHERE run = 0").fetchone()[0]
    assert found == REJECTS, f"{found} rejects"


def resident():
    with open(f"/proc/{process}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def watch(stop, heard):
    with urllib.request.urlopen(f"{address}/events", timeout=30) as events:
        while not stop.is_set():
            heard.append(len(events.read1(65536)))


def walk(stop, seen):
    """Every page of the gallery, and every picture on it."""
    path = "/rejects?hours=all"
    while not stop.is_set():
        page = urllib.request.urlopen(address + path, timeout=30).read().decode()
        for picture in re.findall(r'src="(/pictures/[^"]+)"', page):
            seen.append(picture)
            try:
                urllib.request.urlopen(address + picture, timeout=30).read()
            except urllib.error.HTTPError as error:
                # The oldest make room for new ones meanwhile.
                if error.code != 404:
                    raise
            if stop.is_set():
                return
        older = re.search(r'href="(/rejects\?[^"]*before=[^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else "/rejects?hours=all"


def turn(viewers):
    stop, heard, seen = threading.Event(), [], []
    # Most watch; a few walk, as fast as they are served.
    work = [(walk, seen) if at % 5 == 0 else (watch, heard) for at in range(viewers)]
    threads = [threading.Thread(target=what, args=(stop, log), daemon=True) for what, log in work]
    begun = time.time()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    ended = time.time()
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    if viewers:
        assert heard and seen, "nobody saw anything"
        print(f"  {viewers} viewers heard {sum(heard)} bytes and asked for {len(seen)} pictures")
    return begun, ended


def fire_errors(begun, ended):
    store = sqlite3.connect(f"file:{records}?mode=ro", uri=True, timeout=30)
    sql = "SELECT fire_error_us FROM records WHERE run > 0 AND fire_error_us IS NOT NULL AND wall_us BETWEEN ? AND ?"
    return sorted(row[0] for row in store.execute(sql, (begun * 1e6, ended * 1e6)))


def p99(errors):
    return errors[min(len(errors) - 1, len(errors) * 99 // 100)]


fill()
first = len(urllib.request.urlopen(address + "/", timeout=30).read())
for asset in ("style.css", "live.js"):
    first += len(urllib.request.urlopen(f"{address}/assets/{asset}", timeout=30).read())
print(f"first load of the page: {first} bytes, without the picture")
before = resident()
turns = []
for viewers in (0, VIEWERS, 0, VIEWERS):
    turns.append((viewers, turn(viewers)))
# The last parts may be on their way to the disk.
time.sleep(3)
memory = resident() - before
of_kind = {0: [], VIEWERS: []}
for viewers, (begun, ended) in turns:
    errors = fire_errors(begun, ended)
    assert len(errors) >= 50, f"{len(errors)} pulses in a turn prove nothing"
    of_kind[viewers].append(p99(errors))
    print(f"{viewers:>3} viewers: {len(errors)} pulses, fire error p50 {errors[len(errors) // 2]} us, p99 {p99(errors)} us, most {errors[-1]} us")
print(f"memory of the page's process: {before} KiB before, {memory:+} KiB after")
limit = max(of_kind[0]) * (1 + SHARE) + MICROSECONDS
well = max(of_kind[VIEWERS]) <= limit and memory < GROWTH_KIB
print("nobody at the gate notices" if well else f"more than {limit:.0f} us, or {GROWTH_KIB} KiB")
sys.exit(not well)
