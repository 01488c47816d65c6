#!/usr/bin/env python3
"""Makes what the belt carries.

    plan.py PHOTOS VERDICTS.jsonl OUT

Takes the folder that `edge-runtime render` made and the lines that `edge-runtime inspect --json` wrote of its test pictures. Keeps
those that the model judges rightly and not narrowly, since the board tests the station and not the model. Writes
OUT/pictures.yuyv (256 by 256, one behind the other, sound ones first), OUT/sound (how many those are), OUT/line.plan, a shift without faults of camera or station, and OUT/faults.plan,
which provokes them. tools/belt.c says what a plan is.
"""

import json
import random
import sys
from pathlib import Path

from png import read_rgb

# As in station.toml. Millimetres, and millimetres a second.
GEOMETRY = {"speed": 40, "step": 1, "length": 32, "gate": 400, "photogate": 395, "confirm": 450, "look": 12}
PARTS = 56
# The number that the line select-2 says.
NO_RECIPE = 2
EVERY_DEFECTIVE = 4
# Scores this many times beyond the nearest one that was judged otherwise are not narrow. The camera's JPEG moves those of sound parts
# by up to 0.06, and those of defective parts only up.
SOUND_MARGIN = 2.0
DEFECTIVE_MARGIN = 1.2
SIDE = 256


def yuyv(rgb):
    """BT.601 in limited range, chroma the mean of two pixels: what the simulated camera gives."""
    out = bytearray()
    for i in range(0, len(rgb), 6):
        r0, g0, b0, r1, g1, b1 = rgb[i : i + 6]
        r, g, b = r0 + r1, g0 + g1, b0 + b1
        out += bytes(
            (
                ((66 * r0 + 129 * g0 + 25 * b0 + 128) >> 8) + 16,
                ((-38 * r - 74 * g + 112 * b + 256) >> 9) + 128,
                ((66 * r1 + 129 * g1 + 25 * b1 + 128) >> 8) + 16,
                ((112 * r - 94 * g - 18 * b + 256) >> 9) + 128,
            )
        )
    return bytes(out)


def choose(verdicts):
    """The files of sound and of defective parts, each with its kind."""
    highest_good = max(v["score"] for v in verdicts if v["verdict"] == "good")
    lowest_bad = min(v["score"] for v in verdicts if v["verdict"] == "bad")
    sound, defective = [], []
    for v in verdicts:
        kind = Path(v["file"]).parts[0]
        if kind == "good" and v["score"] * SOUND_MARGIN < lowest_bad:
            sound.append((v["file"], kind))
        if kind != "good" and v["score"] > highest_good * DEFECTIVE_MARGIN:
            defective.append((v["file"], kind))
    return sound, defective


class Plan:
    """Grows a plan from the start of the belt. Parts take the pictures in turn, so that no two neighbours show the same."""

    def __init__(self, sound, defective):
        self.lines = [f"set {key} {value}" for key, value in GEOMETRY.items()]
        self.at = 0
        self.numbers = {True: range(len(sound)), False: range(len(sound), len(sound) + len(defective))}
        self.kinds = [kind for _, kind in sound + defective]
        self.laid = {True: 0, False: 0}

    def event(self, text, after=0):
        """Something `after` millimetres behind the last part's leading edge."""
        self.lines.append(f"{self.at + after:.1f} {text}")

    def part(self, gap, good=True, expect=None):
        """The next part, `gap` behind the last one."""
        self.at += gap
        number = self.numbers[good][self.laid[good] % len(self.numbers[good])]
        self.laid[good] += 1
        self.event(f"part {number} {self.kinds[number]} {expect or ('pass' if good else 'reject')}")

    def parts(self, count):
        for _ in range(count):
            self.part(110)

    def text(self):
        return "".join(line + "\n" for line in self.lines)


def shift(plan):
    """Sound and defective parts, spaced unevenly; twice the edge bounces, once the belt stands, once a product is chosen that there is not."""
    chance = random.Random(1)
    defective = {i * EVERY_DEFECTIVE + chance.randrange(EVERY_DEFECTIVE) for i in range(PARTS // EVERY_DEFECTIVE)}
    for i in range(PARTS):
        if i in (7, 31):
            plan.event("bounce", after=60)
        plan.part(chance.uniform(85, 130), good=i not in defective)
        if i == 20:
            plan.event("stop 2000", after=50)
        if i == 40:
            plan.event("press select-2 0 1500", after=50)
            plan.event("press select-strobe 500 500", after=50)
    return plan.text()


# What a station cannot do without, how long it is gone, how far behind that the next part comes, and what must become of it. A part
# that comes before the station can have stopped the belt is in no picture and leaves at the gate. A camera that is unplugged is missed at
# once, so that the part comes after it is back. The one who clears the jam presses reset some seconds later.
BROKEN = (
    ("/run/camera/silent", 3000, 20, "reject"),
    ("/run/camera/still", 3000, 5, "reject"),
    ("/run/camera/error", 3000, 20, "reject"),
    ("/run/camera/unplug", 4000, 50, "pass"),
)
RESET_AFTER = 4000
KILL = "run kill -9 $(cat /run/station.log.pid)"
# Longer than station.toml's stall_ms.
STALL = 4000


def faults(plan):
    """One fault after the other, with sound parts between them. Whatever was not seen to be good must leave at the gate."""
    plan.parts(3)
    for path, time, distance, expect in BROKEN:
        plan.event(f"file {path} 0 {time}", after=60)
        plan.event(f"press reset {time + RESET_AFTER} 200", after=60)
        plan.part(60 + distance, expect=expect)
        # Far enough behind for the fault to be over, should the station let the belt run.
        plan.part((time + RESET_AFTER) * GEOMETRY["speed"] / 1000 + 60)
        plan.parts(2)
    plan.event("file /run/display/nak 0 3000", after=60)
    plan.parts(3)
    plan.event("run date -s 2031-01-01 >/dev/null", after=60)
    plan.parts(3)
    # A part that nobody announced may be one that the encoder lost, so that those behind it are in doubt too.
    plan.event("ghost", after=60)
    for _ in range(4):
        plan.part(110, expect="reject")
    # Nobody can say where the parts are that a standing encoder leaves behind.
    plan.part(GEOMETRY["gate"] + 100, expect="any")
    plan.event(f"stall {STALL}", after=60)
    plan.event(f"press reset {STALL + RESET_AFTER} 200", after=60)
    plan.part(GEOMETRY["gate"] + 100, expect="any")
    plan.part(GEOMETRY["gate"] + 100)
    plan.parts(2)
    # Whatever is on the belt when a station starts is unknown to it.
    plan.part(GEOMETRY["gate"] + 100, expect="reject")
    plan.event(KILL, after=60)
    plan.part(GEOMETRY["gate"] + 100)
    plan.parts(2)
    return plan.text()


def main(photos, verdicts, out):
    lines = [json.loads(line) for line in Path(verdicts).read_text().splitlines()]
    sound, defective = choose(lines)
    if len(sound) < 10 or len(defective) < 5:
        sys.exit(f"only {len(sound)} sound and {len(defective)} defective pictures are judged rightly and not narrowly")
    pictures = b""
    for file, _ in sound + defective:
        width, height, rgb = read_rgb(Path(photos) / "test" / file)
        if (width, height) != (SIDE, SIDE):
            sys.exit(f"{file} is {width} by {height}, not {SIDE} square")
        pictures += yuyv(rgb)
    out = Path(out)
    (out / "pictures.yuyv").write_bytes(pictures)
    (out / "sound").write_text(str(len(sound)))
    (out / "line.plan").write_text(shift(Plan(sound, defective)))
    (out / "faults.plan").write_text(faults(Plan(sound, defective)))


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 4 else sys.exit(__doc__)
