#!/bin/sh
# For sshd's AuthorizedPrincipalsCommand: account, serial, fingerprint of the CA. Prints the principals that may enter, or nothing.
# Twice for each login and once for each offer of a stranger, before anybody has proved anything: it asks and prints, and changes nothing.
set -u
conf=/etc/ssh/mayfly
state=/var/lib/mayfly-host

account=${1:-}
serial=${2:-}
ca=${3:-}

# Nothing of a certificate becomes part of a path, an option or a message unless it looks as what we issue.
case $account in '' | .* | -* | *[!A-Za-z0-9._-]*) exit 1 ;; esac
case $serial in '' | *[!0-9]*) exit 1 ;; esac
case $ca in SHA256:*) ;; *) exit 1 ;; esac
case $ca in *[!A-Za-z0-9:+/]*) exit 1 ;; esac

setting() { sed -n "s|^$1 ||p" "$conf/settings"; }

# An account that was given no principals takes its own name.
show() {
  if [ -f "$conf/principals/$account" ]; then cat "$conf/principals/$account"; else printf '%s\n' "$account"; fi
}

cacert=$(setting cacert)
answer=$(printf '{"word":"%s","user":"%s","ca":"%s","serial":"%s"}' "$(cat "$conf/word" 2>/dev/null)" "$account" "$ca" "$serial" |
  curl --silent --proto '=https,http' --max-time 3 ${cacert:+--cacert "$cacert"} --header 'Content-Type: application/json' --data-binary @- \
    --write-out 'status %{http_code}' "$(setting address)/v1/$(setting mount)/hosts/$(setting host)/principals" 2>/dev/null)
case ${answer##*status } in
  200)
    printf '%s' "${answer%status 200}"
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
