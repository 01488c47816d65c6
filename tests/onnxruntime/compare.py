"""Runs the exported ONNX files in onnxruntime and compares the heatmaps with those that this project's runtime gave.

Takes a folder written by tests/src/heatmaps.rs. Exits with 1 if a file is not valid ONNX or a heatmap differs too much.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

# Largest difference of a heatmap value, and at which level of optimisation it counts. As written, onnxruntime computes a model in
# QDQ form in floats, as tract does; optimised, in integers, as the fused layers do. In floats a sum that lies between two steps may
# fall to either side, in each runtime to its own, and the step travels on: two such runtimes are farther apart than integers are.
TOLERANCE = {"f32": (1e-4, "ORT_DISABLE_ALL"), "int8": (2 / 255, None), "fused": (2 / 255, "ORT_ENABLE_ALL")}


def score(heatmap: np.ndarray, facts: dict) -> float:
    """As the station scores: the mean of the highest values, one in so many, or with a radius the largest mean of a window over what it covers."""
    radius = facts["radius"]
    if radius is None:
        return float(np.sort(heatmap, axis=None)[-max(1, heatmap.size // facts["highest_of"]) :].astype(np.float64).mean())
    sums = np.zeros((heatmap.shape[0] + 1, heatmap.shape[1] + 1))
    sums[1:, 1:] = heatmap.astype(np.float64).cumsum(0).cumsum(1)
    ends = [
        (np.maximum(np.arange(side) - radius, 0), np.minimum(np.arange(side) + radius + 1, side))
        for side in heatmap.shape
    ]
    (top, bottom), (left, right) = ends
    total = sums[np.ix_(bottom, right)] - sums[np.ix_(top, right)] - sums[np.ix_(bottom, left)] + sums[np.ix_(top, left)]
    return float((total / np.outer(bottom - top, right - left)).max())


def auroc(scores: list[float], pictures: list[str]) -> float | None:
    """How often a bad part scores higher than a good one; the folder of a good one is called good."""
    good = np.array([s for s, name in zip(scores, pictures) if pathlib.Path(name).parent.name == "good"])
    bad = np.array([s for s, name in zip(scores, pictures) if pathlib.Path(name).parent.name != "good"])
    if len(good) == 0 or len(bad) == 0:
        return None
    return float(((bad[:, None] > good).sum() + 0.5 * (bad[:, None] == good).sum()) / (len(good) * len(bad)))


def main(folder: pathlib.Path) -> int:
    facts = json.loads((folder / "facts.json").read_text())
    width, height, count = facts["width"], facts["height"], len(facts["pictures"])
    inputs = np.fromfile(folder / "inputs.bin", np.uint8).reshape(count, height, width, 3)
    images = inputs.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    failed = False
    for name, (tolerance, counting) in TOLERANCE.items():
        file = "int8" if name == "fused" else name
        if not (folder / f"{file}.onnx").exists():
            print(f"{name:5} is not in this bundle")
            continue
        onnx.checker.check_model(onnx.load(folder / f"{file}.onnx"), full_check=True)
        ours = np.fromfile(folder / f"{name}.bin", np.float32).reshape(count, height, width)
        for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(
                str(folder / f"{file}.onnx"), options, providers=["CPUExecutionProvider"]
            )
            theirs = [session.run(None, {"image": images[at : at + 1]})[0][0, 0] for at in range(count)]
            differences = [np.abs(theirs[at] - ours[at]) for at in range(count)]
            worst = max(float(difference.max()) for difference in differences)
            counts = level == counting
            verdict = "" if not counts else "ok" if worst <= tolerance else "TOO FAR"
            failed |= counts and worst > tolerance
            beyond = np.mean([np.mean(difference > tolerance) for difference in differences])
            at = int(np.argmax([difference.max() for difference in differences]))
            print(
                f"{name:5} {level:16} {count} pictures, largest difference {worst:.2e} ({facts['pictures'][at]}), "
                f"allowed {tolerance:.2e}, share beyond {beyond:.1e} {verdict}"
            )
            found = [auroc([score(h, facts) for h in heatmaps], facts["pictures"]) for heatmaps in (theirs, ours)]
            if None not in found:
                print(f"      image AUROC {found[0]:.4f} there, {found[1]:.4f} here")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
