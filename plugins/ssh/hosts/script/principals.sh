#!/bin/sh
# For sshd's AuthorizedPrincipalsCommand: account, key id, serial, fingerprint of the CA, fingerprint of the key. Prints the principals that may enter, or nothing.
# Twice for each login and once for each offer of a stranger, before anybody has proved anything: it asks and prints, and changes nothing.
set -u
conf=/etc/ssh/mayfly
state=/var/lib/mayfly-host

account=${1:-}
key_id=${2:-}
serial=${3:-}
ca=${4:-}

# Nothing of a certificate becomes part of a path, an option or a message unless it looks as what we issue.
case $account in '' | .* | -* | *[!A-Za-z0-9._-]*) exit 1 ;; esac
case $key_id in *[!A-Za-z0-9._@:+=/-]*) exit 1 ;; esac
case $serial in '' | *[!0-9]*) exit 1 ;; esac
case $ca in SHA256:*) ;; *) exit 1 ;; esac
case $ca in *[!A-Za-z0-9:+/]*) exit 1 ;; esac

setting() { sed -n "s|^$1 ||p" "$conf/settings"; }

# An account that was given no principals takes its own name.
show() {
  if [ -f "$conf/principals/$account" ]; then cat "$conf/principals/$account"; else printf '%s\n' "$account"; fi
}

# One file for each serial that was cut off.
[ ! -e "$state/cutoff/$(printf '%s' "$ca" | tr '/+:' '_.-')/$serial" ] || exit 1

cacert=$(setting cacert)
code=$(curl --silent --proto '=https,http' --max-time 3 ${cacert:+--cacert "$cacert"} --header 'Content-Type: application/json' \
  --data "{\"host\":\"$(setting host)\",\"user\":\"$account\",\"ca\":\"$ca\",\"serial\":\"$serial\",\"key_id\":\"$key_id\"}" \
  --output /dev/null --write-out '%{http_code}' "$(setting address)/v1/$(setting mount)/principals" 2>/dev/null) || code=000
case $code in
  2??)
    show
    exit 0
    ;;
  4??) exit 1 ;;
esac

# The broker is away: what holds then is the host's choice. The KRL holds in any case.
[ "$(setting offline)" = allow ] || exit 1
minutes=$(setting offline-minutes)
if [ "${minutes:-0}" -gt 0 ]; then
  [ $(($(date +%s) - $(cat "$state/contact" 2>/dev/null || echo 0))) -le $((minutes * 60)) ] || exit 1
fi
show
