#!/usr/bin/env bash
# Measures this project's runtime, onnxruntime and OpenVINO in turn on the same ONNX files, and prints the ratios.
#   tests/peers/compare.sh [OPTION...]                    untrained networks of the presets small and nano, 256 pixels wide
#   tests/peers/compare.sh [OPTION...] BUNDLE KEY.pub     a bundle of your own
# compare.py says which options there are. DRAEM_PROGRAMS names a folder of programs that are built already, such as target/release.
# Sets up its own Python environment under .deps. Exits with 77 where that cannot be done, otherwise with 0 whatever the ratios are.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../python.sh"
[ "$(uname -s)" = Linux ] || cannot "programs are bound to a core as Linux does it"
python_with peers onnxruntime==1.30.0 openvino==2026.4.1 numpy==2.4.6

programs=${DRAEM_PROGRAMS-}
if [ -z "$programs" ]; then
  (cd "$root" && cargo build --quiet --release -p edge-runtime -p line-tests --bins --examples)
  programs=${CARGO_TARGET_DIR:-$root/target}/release
fi
unset OPENBLAS_CORETYPE # would choose instructions for numpy, and for nothing else
exec "$python" "$root/tests/peers/compare.py" --programs "$programs" "$@"
