#!/usr/bin/env bash
# The whole product without camera, GPU or board: photographs good parts of a rendered product, learns from them, exports
# and signs, then inspects a simulated belt and rejects the bad parts. Everything it makes lies under .demo/.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

parts=${PARTS:-300}
steps=${STEPS:-550}
demo=.demo
say() { printf '\n== %s\n' "$*"; }

say "building trainer and station (once; some minutes)"
cargo build --release -p host-trainer -p edge-runtime --features host-trainer/torch
trainer=target/release/host-trainer
station=target/release/edge-runtime

say "photographing the product: 300 good parts to learn from, others to test on"
mkdir -p "$demo"
"$station" render --out "$demo/photos" --good 300 --test-good 40 --defects 48 --seed 7

say "learning what a good part looks like (no picture of a defect is used)"
# The recipe that the figures of models/demo were measured with; left out, the trainer suits it to the photographs.
[ -e "$demo/line.key" ] || "$trainer" keygen --out "$demo/line.key"
"$trainer" train-and-export --data "$demo/photos" --product cap --preset nano --size 128 --steps "$steps" --recipe usual \
  --false-reject 0.02 --key "$demo/line.key" --out "$demo/cap.draem" --json "$demo/cap.json" --report "$demo/report.html"

say "a simulated shift of $parts parts"
"$station" run --config edge-runtime/config/sim.toml --bundle "$demo/cap.draem" --trust "$demo/line.pub" \
  --parts "$parts" --seed 1 --out "$demo/shift" --panel "$demo/panel.png" --json "$demo/shift.json"

say "look at"
printf '%-10s %s\n' \
  report "$PWD/$demo/report.html" \
  panel "$PWD/$demo/panel.png" \
  defects "$PWD/$demo/shift" \
  figures "$PWD/$demo/cap.json, $PWD/$demo/shift.json" \
  bundle "$PWD/$demo/cap.draem"
