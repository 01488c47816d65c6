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

[ "$(stat -c '%U:%G %a' /var/lib/draem-edge)" = 'draem:draem 750' ] || fail "the folder of the records is the station's own"
held "the folder of the records is the station's own"

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
