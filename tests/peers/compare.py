"""Measures this project's runtime, onnxruntime and OpenVINO in turn on the same ONNX files, and prints the ratios.

Everything shares one core and has one thread, except where two threads of ours are compared with one. Ours is measured
from bytes to heatmap; the others are given their floats. Judges nothing.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime
import openvino

# Pictures before the first of a turn that counts: whoever's turn it was before has emptied the caches.
WARM_UP = 3
# Pictures a turn of the engines that take ten times as long as the others.
FEW_FRAMES = 3

CORES = os.sched_getaffinity(0)
# Cores that other programs may use meanwhile, on average. More lengthens times, some more than others.
MOST_OTHERS = 0.1
# Ours on whatever cores it likes, with one thread and with two.
FREE = ("ours fused, any core", "ours fused, any two cores")


@contextlib.contextmanager
def on(cores):
    """What starts within runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    yield
    os.sched_setaffinity(0, before)


def seconds():
    """Of the clock, and of processor time that other programs have used so far."""
    used = [int(ticks) for ticks in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    del used[3:5]  # idle, and idle waiting for a disk
    return time.monotonic(), sum(used) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


class Ours:
    """`edge-runtime bench`."""

    def __init__(self, programs, bundle, key, options, cores=None, frames=None):
        command = [programs / "edge-runtime", "bench", "--bundle", bundle, "--trust", key, *options.split()]
        self.command, self.cores, self.frames, self.figures = command, cores, frames, {}

    def turn(self, frames):
        with tempfile.NamedTemporaryFile() as file, on(self.cores or os.sched_getaffinity(0)):
            options = ["--frames", str(self.frames or frames), "--json", file.name]
            subprocess.run(self.command + options, check=True, stdout=subprocess.DEVNULL)
            self.figures = json.loads(pathlib.Path(file.name).read_text())
        return self.figures["median_ms"]

    def told(self):
        share = self.figures["peak_share"]
        return self.figures["kernel"] + (f", {share:.0%} of the core's peak in convolutions" if share else "")


class Peer:
    """Another runtime: a session that is kept, and called here."""

    def __init__(self, images):
        self.images = images

    def turn(self, frames):
        times = []
        for at in range(WARM_UP + frames):
            image = self.images[at % len(self.images)]
            started = time.perf_counter_ns()
            self.heatmap(image)
            times.append(time.perf_counter_ns() - started)
        return statistics.median(times[WARM_UP:]) / 1e6


class Onnxruntime(Peer):
    def __init__(self, onnx, images, level="ORT_ENABLE_ALL"):
        super().__init__(images)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])

    def heatmap(self, image):
        return self.session.run(None, {"image": image})[0][0, 0]

    def told(self):
        return "all optimisations"


class OpenVino(Peer):
    def __init__(self, onnx, images, **options):
        super().__init__(images)
        options |= {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
        self.model = openvino.Core().compile_model(onnx, "CPU", options)
        self.request = self.model.create_infer_request()

    def heatmap(self, image):
        return self.request.infer({"image": image}, share_inputs=True, share_outputs=True)[0][0, 0]

    def computes_in_f32(self):
        return self.model.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32

    def told(self):
        """The kernels that it has chosen for its convolutions."""
        nodes = [node.get_rt_info() for node in self.model.get_runtime_model().get_ops()]
        chosen = collections.Counter(
            node["primitiveType"].astype(str) for node in nodes if node["layerType"].astype(str) == "Convolution"
        )
        return ", ".join(f"{count} {kernel}" for kernel, count in chosen.items())


def contenders(programs, bundle, key, folder, images, scalar):
    """Everything that takes turns, by name. A bundle without its model in floats has fewer."""
    found = {"ours fused": Ours(programs, bundle, key, "")}
    if scalar:
        found["ours scalar"] = Ours(programs, bundle, key, "--engine scalar", frames=1)
    for precision in ("int8", "f32"):
        onnx = folder / f"{precision}.onnx"
        if not onnx.exists():
            continue
        options = f"--engine tract --precision {precision}"
        found[f"tract {precision}"] = Ours(programs, bundle, key, options, frames=FEW_FRAMES)
        found[f"onnxruntime {precision}"] = Onnxruntime(onnx, images)
        found[f"openvino {precision}"] = OpenVino(onnx, images)
        # Where the processor knows shorter floats, OpenVINO computes models in floats in those, faster or not.
        if precision == "f32" and not found["openvino f32"].computes_in_f32():
            found["openvino f32, kept f32"] = OpenVino(onnx, images, INFERENCE_PRECISION_HINT="f32")
    if len(CORES) > 1:
        for who, threads in zip(FREE, (1, 2)):
            found[who] = Ours(programs, bundle, key, f"--threads {threads}", CORES)
    return found


def in_turn(found, rounds, frames):
    """Milliseconds of a picture, as the median of each turn of each contender."""
    # What is compared comes close together: a shared machine is not as fast in one minute as in the next.
    names = sorted(found, key=lambda who: who.startswith("tract") or who.startswith("openvino f32"))
    turns = {who: [] for who in found}
    for number in range(rounds):
        # Nobody always comes after the same neighbour.
        first = number % len(names)
        for who in names[first:] + names[:first]:
            turns[who].append(found[who].turn(frames))
    return turns


def ratios(times):
    """Of one time of each contender."""

    def of(above, *below):
        known = [times[who] for who in below if who in times]
        return times[above] / min(known) if above in times and known else None

    return {
        "ours / OpenVINO int8": of("ours fused", "openvino int8"),
        "ours / the better of onnxruntime f32 and int8": of("ours fused", "onnxruntime f32", "onnxruntime int8"),
        "ours / tract f32": of("ours fused", "tract f32"),
        "one thread of ours / two": of(*FREE),
    }


def differences(found, folder, images, shape):
    """The largest of a value between each peer's heatmaps and ours, of onnxruntime's also without optimisations."""
    peers = {who: peer for who, peer in found.items() if isinstance(peer, Peer)}
    for precision in ("int8", "f32"):
        onnx = folder / f"{precision}.onnx"
        if onnx.exists():
            peers[f"onnxruntime {precision}, not optimised"] = Onnxruntime(onnx, images, "ORT_DISABLE_ALL")
    largest = {}
    for who, peer in peers.items():
        ours = np.fromfile(folder / ("fused.bin" if "int8" in who else "f32.bin"), np.float32).reshape(shape)
        largest[who] = max(float(np.abs(peer.heatmap(image) - heatmap).max()) for image, heatmap in zip(images, ours))
    return largest


def measure(name, programs, bundle, key, args):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([programs / "examples/heatmaps", bundle, key, folder], check=True)
        facts = json.loads((folder / "facts.json").read_text())
        shape = (len(facts["pictures"]), facts["height"], facts["width"])
        inputs = np.fromfile(folder / "inputs.bin", np.uint8).reshape(*shape, 3).transpose(0, 3, 1, 2)
        images = [np.ascontiguousarray(image[None], np.float32) / np.float32(255) for image in inputs]
        found = contenders(programs, bundle, key, folder, images, args.scalar)
        before = seconds()
        turns = in_turn(found, args.rounds, args.frames)
        elapsed, others = (after - earlier for after, earlier in zip(seconds(), before))
        largest = differences(found, folder, images, shape)
    figures = {
        "name": name,
        "median_ms": {who: statistics.median(times) for who, times in turns.items()},
        "turns_ms": turns,
        "told": {who: contender.told() for who, contender in found.items()},
        "differences": largest,
        "others_cores": others / elapsed,
        "ours": found["ours fused"].figures,
    }
    figures["ratios"] = ratios(figures["median_ms"])
    # A machine that other machines are on gets faster and slower by minutes: what is compared within a round is not split by that.
    rounds = [ratios(dict(zip(turns, times))) for times in zip(*turns.values())]
    figures["ratios_of_rounds"] = {what: [ratio[what] for ratio in rounds] for what in figures["ratios"]}
    show(figures, len(images))
    return figures


def show(figures, pictures):
    ours = figures["ours"]
    print(f"\n{figures['name']}: {ours['size'][0]} x {ours['size'][1]}, {ours['gmac']:.2f} GMAC a picture")
    print(f"{'milliseconds a picture':<32}{'median':>9}{'lowest':>9}{'highest':>9}  turn")
    for who, times in figures["turns_ms"].items():
        median, told = figures["median_ms"][who], figures["told"][who]
        print(f"{who:<32}{median:>9.2f}{min(times):>9.2f}{max(times):>9.2f}  {told}")
    others = figures["others_cores"]
    note = "  NOTE: busy; two threads suffer most" if others > MOST_OTHERS else ""
    print(f"{'cores that others used':<32}{others:>9.2f}{note}\n")
    print(f"{'ratios':<50}{'medians':>9}{'rounds: median, lowest, highest':>35}")
    for what, ratio in figures["ratios"].items():
        if ratio:
            each = figures["ratios_of_rounds"][what]
            spread = f"{statistics.median(each):.3f}, {min(each):.3f}, {max(each):.3f}"
            print(f"{what:<50}{ratio:>9.3f}{spread:>35}")
    print(f"\nlargest difference from our heatmaps of {pictures} pictures, in steps of 1/255")
    for who, difference in figures["differences"].items():
        print(f"{who:<32}{255 * difference:>9.3f}")


def processor():
    """Its name, where Linux tells it."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main():
    parser = argparse.ArgumentParser(prog="tests/peers/compare.sh", description="Compares speeds on one core.")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=7, help="turns that each contender has (default %(default)s)")
    parser.add_argument("--frames", type=int, default=20, help="pictures that count in a turn (default %(default)s)")
    # Not the first core if there is another: that one serves most interrupts.
    core = sorted(CORES)[:2][-1]
    parser.add_argument("--core", type=int, default=core, help="the core that all share (default here %(default)s)")
    parser.add_argument("--scalar", action="store_true", help="also ours without vector instructions, which is slow")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures here")
    parser.add_argument("bundle", nargs="*", metavar="BUNDLE KEY.pub", help="measure this, not untrained networks")
    args = parser.parse_args()
    if len(args.bundle) not in (0, 2):
        parser.error("a bundle needs the public key that it was signed with")
    # Threads take over the cores of the one that starts them.
    os.sched_setaffinity(0, {args.core})
    facts = {
        "processor": processor(),
        "core": args.core,
        "cores": len(CORES),
        "onnxruntime": onnxruntime.__version__,
        "openvino": openvino.__version__,
        "numpy": np.__version__,
    }
    for key, value in facts.items():
        print(f"{key:<12} {value}")
    if args.bundle:
        bundle, key = map(pathlib.Path, args.bundle)
        networks = [measure(bundle.stem, args.programs, bundle, key, args)]
    else:
        with tempfile.TemporaryDirectory() as folder:
            networks = []
            for preset in ("small", "nano"):
                bundle = pathlib.Path(folder) / f"{preset}.draem"
                subprocess.run([args.programs / "examples/untrained_bundle", preset, "256", bundle], check=True)
                key = bundle.with_suffix(".pub")
                networks.append(measure(f"{preset}, untrained", args.programs, bundle, key, args))
    if args.json:
        args.json.write_text(json.dumps(facts | {"networks": networks}, indent=2) + "\n")


if __name__ == "__main__":
    main()
