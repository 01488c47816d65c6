#!/usr/bin/env bash
# curl asks a page that runs for every address of the manual, as nobody, operator, engineer and admin, and is answered as the manual says who may:
# tests/plant/curl.sh [STATION PLANT]. Without programs it builds them. That the manual's table is the code's is among the tests.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/line.sh"
command -v curl >/dev/null || cannot "curl is missing. On Debian and Ubuntu: sudo apt-get install curl"
programs "$@"
line
base=http://127.0.0.1:$page
roles=(nobody operator engineer admin)
for role in "${roles[@]:1}"; do
  echo "secret-of-$role" | "$plant" set-password --config "$work/plant.toml" --role "$role" >/dev/null
done
# A server that runs takes passwords up within two seconds.
sleep 3

# ask ARGUMENT... gives the status; a stream that does not end is left.
ask() { curl --silent --max-time 3 --output "$work/answer" --write-out '%{http_code}' --header "Origin: $base" "$@" || true; }

asked=0 wrong=0
for number in "${!roles[@]}"; do
  role=${roles[$number]} cookies=$work/${roles[$number]}.cookies csrf=
  if [ "$number" -gt 0 ]; then
    status=$(ask --cookie-jar "$cookies" --data "name=$role&password=secret-of-$role" "$base/login")
    [ "$status" = 303 ] || { say "$role cannot sign in: $status"; exit 1; }
    ask --cookie "$cookies" "$base/" >/dev/null
    csrf=$(grep -o 'name="csrf" value="[^"]*"' "$work/answer" | head -n 1 | cut -d '"' -f 4)
  fi
  while IFS='|' read -r _ method path who _; do
    method=${method// /} path=${path//[\` ]/} least=0
    case $method in GET | POST) ;; *) continue ;; esac
    # Whoever signs out is nobody for the rest; signing in was tried.
    case $path in /login | /logout) continue ;; esac
    for at in "${!roles[@]}"; do [ " ${roles[$at]} " != "$who" ] || least=$at; done
    path=${path//\{run\}/1} path=${path//\{part\}/1}
    body=()
    [ "$method" = GET ] || body=(--form "csrf=$csrf" --form recipe=rings --form "reason=asked by curl" --form "file=none;filename=none.draem")
    [ "$method" = GET ] || [ "$path" = /products/upload ] || body=(--data "csrf=$csrf")
    status=$(ask --cookie "$cookies" "${body[@]}" "$base$path")
    asked=$((asked + 1)) expected=answered
    [ "$number" -ge "$least" ] || { [ "$number" = 0 ] && expected=401 || expected=403; }
    case $status in 401 | 403) got=$status ;; 000) got=nothing ;; *) got=answered ;; esac
    [ "$got" = "$expected" ] || { wrong=$((wrong + 1)) && say "$role, $method $path: $status, expected $expected"; }
  done <docs/manual/src/generated/addresses.md
done
echo "$asked requests as ${roles[*]}, $wrong wrong"
[ "$asked" -ge 80 ] && [ "$wrong" = 0 ]
