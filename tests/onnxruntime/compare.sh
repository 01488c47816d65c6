#!/usr/bin/env bash
# Compares this project's runtime with onnxruntime.
#   tests/onnxruntime/compare.sh BUNDLE KEY.pub IMAGES   both models of a bundle over a folder of pictures
#   tests/onnxruntime/compare.sh FOLDER                  a folder that tests/src/heatmaps.rs wrote
# Sets up its own Python environment under .deps. Exits with 77 where that cannot be done.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../python.sh"
python_with onnxruntime onnx==1.22.0 onnxruntime==1.30.0 numpy==2.4.6

folder=$1
if [ $# -eq 3 ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cargo run --quiet --release -p line-tests --example heatmaps -- "$1" "$2" "$3" "$folder"
fi
"$python" "$root/tests/onnxruntime/compare.py" "$folder"
