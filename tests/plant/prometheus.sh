#!/usr/bin/env bash
# What Prometheus' own tool makes of /metrics, of the example configuration, of the rules, and of every expression of the dashboard:
#     tests/plant/prometheus.sh [STATION PLANT]
# Without programs it builds them. promtool is the machine's own, or that of Debian's package, which is only unpacked, below .deps/promtool.
# Ends with 77 and the reason where there is none.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/line.sh"
files=$PWD/edge-runtime/plant/package/prometheus

promtool=$(command -v promtool || true)
home=$PWD/.deps/promtool
[ -n "$promtool" ] || promtool=$home/usr/bin/promtool
if ! [ -x "$promtool" ]; then
  how="On Debian and Ubuntu: sudo apt-get install prometheus"
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || cannot "promtool is missing. $how"
  rm -rf "$home.new"
  mkdir -p "$home.new"
  (cd "$home.new" && apt-get -q download prometheus 2>/dev/null >&2 && dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb) ||
    cannot "promtool is missing, and apt-get cannot download prometheus. $how"
  rm -rf "$home"
  mv "$home.new" "$home"
fi

programs "$@"
line

say "metrics of a running line"
"$promtool" check metrics <"$work/metrics"
say "configuration and rules"
"$promtool" check config "$files/prometheus.yml"
say "the dashboard's expressions"
python3 - "$files/grafana-dashboard.json" >"$work/dashboard.yml" <<'PY'
import json, sys
panels = json.load(open(sys.argv[1]))["panels"]
print("groups:\n  - name: dashboard\n    rules:")
for number, expression in enumerate(target["expr"] for panel in panels for target in panel["targets"]):
    expression = expression.replace("$__rate_interval", "1m").replace("$instance", "board:8410")
    print(f"      - record: dashboard:{number}\n        expr: {json.dumps(expression)}")
PY
"$promtool" check rules "$work/dashboard.yml"
say "when the rules warn"
cp "$files/draem-rules.yml" tests/plant/rules.test.yml "$work"
"$promtool" test rules "$work/rules.test.yml"
