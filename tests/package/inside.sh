#!/bin/sh
# What must hold once the package is installed, asked inside the system that it is installed in. Started by chroot.sh.
set -eu

package=$1
examples=/usr/share/doc/edge-runtime/examples
count=0
held() { count=$((count + 1)); echo "holds: $*"; }
fail() { echo "FAILS: $*"; exit 1; }
as_draem() { setpriv --reuid=draem --regid=draem --init-groups "$@"; }

. /etc/os-release
echo "$PRETTY_NAME, $(uname -m), glibc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2)"

dpkg --install "$package" >/install.log 2>&1 || { cat /install.log; fail "the package installs"; }
held "the package installs with nothing but what the system has"

edge-runtime --version
held "the program starts"

groups=" $(id -nG draem) "
for group in draem video gpio i2c spi; do
  case $groups in *" $group "*) ;; *) fail "the user draem is in the group $group:$groups" ;; esac
done
held "the user draem is in the groups of its devices"

commands=$(edge-runtime --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ && $1 != "help" { print $1 }')
[ -n "$commands" ] || fail "the program says which commands it has"
for page in edge-runtime $(printf 'edge-runtime-%s ' $commands); do
  zcat "/usr/share/man/man1/$page.1.gz" | grep -q '^\.SH SYNOPSIS' || fail "there is a man page $page(1)"
done
for completions in bash-completion/completions/edge-runtime zsh/vendor-completions/_edge-runtime fish/vendor_completions.d/edge-runtime.fish; do
  for command in $commands; do
    grep -qw -e "$command" "/usr/share/$completions" || fail "$completions knows $command"
  done
done
completed=$(bash -c '. /usr/share/bash-completion/completions/edge-runtime
  COMP_WORDS=(edge-runtime ver) COMP_CWORD=1
  $(complete -p edge-runtime | sed "s/.* -F \([^ ]*\) .*/\1/") edge-runtime ver edge-runtime
  printf "%s" "${COMPREPLY[*]}"')
[ "$completed" = verify-bundle ] || fail "bash completes ver to verify-bundle, not to '$completed'"
held "each of the $(echo $commands | wc -w) commands has a man page, and bash, zsh and fish complete it"

for folder in /var/lib/draem-edge /var/lib/draem-edge/slots; do
  [ "$(stat -c '%U:%G %a' "$folder")" = 'draem:draem 750' ] || fail "$folder is the station's own"
done
held "the folders of records and slots are the station's own"

[ "$(systemctl is-enabled edge-runtime 2>/dev/null)" = disabled ] || fail "the service waits to be enabled"
# As nobody: systemd's own check would otherwise make control groups on the machine that all of this runs on.
said=$(setpriv --reuid=nobody --regid=nogroup --clear-groups systemd-analyze verify --man=no edge-runtime.service 2>&1) ||
  fail "systemd takes the unit: $said"
[ -z "$said" ] || fail "systemd takes the unit without a remark: $said"
held "the service waits to be enabled, and systemd takes its unit without a remark"

dpkg-query --show --showformat='${Conffiles}' edge-runtime | grep -q /etc/draem-edge/station.toml || fail "station.toml is a conffile"
held "station.toml is a conffile"

as_draem edge-runtime verify-bundle "$examples/models/demo/cap-nano.draem" --trust "$examples/models/demo/demo.pub" >/bundle.txt ||
  fail "the bundle that comes along is accepted"
held "the bundle that comes along is accepted, its stored pictures scored on this processor"

as_draem edge-runtime run --config "$examples/edge-runtime/config/sim.toml" --parts 20 --out /var/lib/draem-edge/shift >/shift.txt ||
  fail "a simulated shift runs as the station's user"
[ -n "$(ls /var/lib/draem-edge/shift)" ] || fail "a simulated shift leaves records"
held "a simulated shift of 20 parts runs as the station's user"

# A line in real time, slow enough for an emulated processor, is asked for its last minutes while parts are on the belt.
sed 's/^speed_mm_s = .*/speed_mm_s = 100.0/; s/^stops_per_minute = .*/stops_per_minute = 0.0/' "$examples/edge-runtime/config/sim.toml" >/slow.toml
chmod 644 /slow.toml
now=/var/lib/draem-edge/now
setpriv --reuid=draem --regid=draem --init-groups edge-runtime run --config /slow.toml --bundle "$examples/models/demo/cap-nano.draem" \
  --trust "$examples/models/demo/demo.pub" --real-time --parts 10 --out "$now" >/line.txt 2>&1 &
line=$!
recorded=0
# The first record says that the line has got past its start, where the signal would still kill it.
while [ "$recorded" -lt 3 ]; do
  sleep 0.5
  kill -0 "$line" 2>/dev/null || { cat /line.txt; fail "a line in real time has parts on its belt after three records"; }
  recorded=$(as_draem edge-runtime records --dir "$now" 2>/dev/null | sed -n 's/^\([0-9]*\) records.*/\1/p')
  recorded=${recorded:-0}
done
kill -USR1 "$line"
wait "$line" || { cat /line.txt; fail "a line of 10 parts in real time ends well"; }
box=$(find "$now/black-box" -name '*-ASKED.box')
[ -n "$box" ] || { cat /line.txt; fail "a line keeps its last minutes when somebody asks"; }
as_draem edge-runtime replay "$box" --bundle "$examples/models/demo/cap-nano.draem" --trust "$examples/models/demo/demo.pub" >/replay.txt 2>&1 ||
  { cat /replay.txt; fail "the last minutes run again as they were"; }
cat /replay.txt
again=$(sed -n 's/^judged again \([0-9]*\) pictures by the same bundle (.*), \([0-9]*\) verdicts the same to the bit$/\1 \2/p' /replay.txt)
[ -n "$again" ] && [ "${again% *}" -gt 0 ] && [ "${again% *}" = "${again#* }" ] || fail "all verdicts are the same to the bit, and there are some"
held "a line in real time keeps its last minutes, which run again with the same ${again#* } verdicts to the bit"

# On a machine without devices these find fault; they must say so in words, and end as documented.
for command in probe doctor; do
  edge-runtime --help | grep -qE "^ +$command( |\$)" || { echo "NOTE: this version has no command $command"; continue; }
  status=0
  as_draem edge-runtime "$command" >"/$command.txt" 2>&1 || status=$?
  cat "/$command.txt"
  [ "$status" -le 4 ] || fail "$command ends as documented, not with $status"
  [ -s "/$command.txt" ] || fail "$command says what it found"
  held "$command says what it found, with exit code $status"
done

echo '# a line of the customer' >>/etc/draem-edge/station.toml
dpkg --install "$package" >/install.log 2>&1 || { cat /install.log; fail "the package installs over itself"; }
dpkg --remove edge-runtime >/remove.log 2>&1 || { cat /remove.log; fail "the package is removed"; }
[ ! -e /usr/bin/edge-runtime ] || fail "a removed package leaves no program"
grep -q 'a line of the customer' /etc/draem-edge/station.toml || fail "an edited station.toml survives upgrade and removal"
dpkg --purge edge-runtime >/remove.log 2>&1 || { cat /remove.log; fail "the package is purged"; }
[ ! -e /etc/draem-edge/station.toml ] || fail "a purged package leaves no configuration"
[ -n "$(ls /var/lib/draem-edge/shift)" ] || fail "records outlive the package"
held "an edited station.toml survives upgrade and removal, records also a purge"

printf '%s passed, 0 failed\n' "$count"
