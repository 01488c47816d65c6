"""Runs the exported ONNX files in onnxruntime and compares the heatmaps with those that this project's runtime gave.

Takes a folder written by tests/src/heatmaps.rs. Exits with 1 if a file is not valid ONNX or a heatmap differs too much.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

# Largest difference of a heatmap value. In integers a value that lies between two steps may fall to either side.
TOLERANCE = {"f32": 1e-4, "int8": 2 / 255, "fused": 2 / 255}


def main(folder: pathlib.Path) -> int:
    facts = json.loads((folder / "facts.json").read_text())
    width, height, count = facts["width"], facts["height"], len(facts["pictures"])
    inputs = np.fromfile(folder / "inputs.bin", np.uint8).reshape(count, height, width, 3)
    images = inputs.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    failed = False
    for name, tolerance in TOLERANCE.items():
        file = "int8" if name == "fused" else name
        onnx.checker.check_model(onnx.load(folder / f"{file}.onnx"), full_check=True)
        ours = np.fromfile(folder / f"{name}.bin", np.float32).reshape(count, height, width)
        for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(
                str(folder / f"{file}.onnx"), options, providers=["CPUExecutionProvider"]
            )
            differences = [
                np.abs(session.run(None, {"image": images[at : at + 1]})[0][0, 0] - ours[at]) for at in range(count)
            ]
            worst = max(float(difference.max()) for difference in differences)
            # As written is the definition; what a runtime makes of it when it optimises is told beside it.
            counts = level == "ORT_DISABLE_ALL"
            verdict = "" if not counts else "ok" if worst <= tolerance else "TOO FAR"
            failed |= counts and worst > tolerance
            beyond = np.mean([np.mean(difference > tolerance) for difference in differences])
            at = int(np.argmax([difference.max() for difference in differences]))
            print(
                f"{name:5} {level:16} {count} pictures, largest difference {worst:.2e} ({facts['pictures'][at]}), "
                f"allowed {tolerance:.2e}, share beyond {beyond:.1e} {verdict}"
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
