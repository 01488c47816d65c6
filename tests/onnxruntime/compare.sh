#!/usr/bin/env bash
# Compares this project's runtime with onnxruntime.
#   tests/onnxruntime/compare.sh BUNDLE KEY.pub IMAGES   both models of a bundle over a folder of pictures
#   tests/onnxruntime/compare.sh FOLDER                  a folder that tests/src/heatmaps.rs wrote
# Sets up its own Python environment under .deps. Exits with 77 where that cannot be done.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$root/.deps/onnxruntime/bin/python
packages=(onnx==1.22.0 onnxruntime==1.30.0 numpy)

cannot() {
  echo "SKIPPED: $1" >&2
  exit 77
}

if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
  command -v python3 >/dev/null || cannot "there is no python3"
  python3 -m venv "$root/.deps/onnxruntime" >&2 || cannot "python3 cannot make a virtual environment"
  "$python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2 ||
    cannot "pip cannot install ${packages[*]}"
fi
folder=$1
if [ $# -eq 3 ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cargo run --quiet --release -p line-tests --example heatmaps -- "$1" "$2" "$3" "$folder"
fi
"$python" "$root/tests/onnxruntime/compare.py" "$folder"
