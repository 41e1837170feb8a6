
# Eight bytes of a file as a number, big-endian whatever this machine is.
number_at() { printf '%d' "0x$(od -An -v -tx1 -j "$2" -N 8 "$1" | tr -d ' \n')"; }

krl_version() { if [ -s "$1" ]; then number_at "$1" 12; else echo 0; fi; }
krl_date() { if [ -s "$1" ]; then number_at "$1" 20; else echo 0; fi; }

# A KRL that sshd cannot read locks everybody out, an empty or a cut one lets everybody in: nothing gets near sshd that is not whole, signed, and newer than what is there.
pull_krl() {
  new=$conf/.krl.new
  rm -f "$new"
  if fetch_krl "$new" && judge_krl "$new"; then
    put_file "$new" "$conf/krl" 644
  else
    rm -f "$new"
    return 1
  fi
}

# Where a new list came between the list and its signature, both are asked for once more.
fetch_krl() {
  fetch krl "$1" && fetch krl.sig "$work/krl.sig" || return 1
  krl_is_signed "$1" && return
  sleep 1
  fetch krl "$1" && fetch krl.sig "$work/krl.sig"
}

krl_is_signed() {
  ssh-keygen -q -Y verify -f "$krl_signers" -I mayfly -n krl@mayfly -s "$work/krl.sig" <"$1" >/dev/null 2>&1
}

judge_krl() {
  [ -s "$1" ] || krl_refused 'it is empty' || return 1
  [ "$(od -An -v -tx1 -N 8 "$1" | tr -d ' \n')" = 5353484b524c0a00 ] || krl_refused 'it is no KRL' || return 1
  krl_is_signed "$1" || krl_refused 'its signature is not by the key that this host knows' || return 1
  ssh-keygen -Q -l -f "$1" >/dev/null 2>&1 || krl_refused 'ssh-keygen cannot read it' || return 1
  [ "$(krl_version "$1")" -ge "$(krl_version "$krl_before")" ] || krl_refused 'it is older than the one that this host runs' || return 1
  # Later ones are held back by the version; the first one has only its date.
  [ -s "$krl_before" ] || [ "$(krl_date "$1")" -ge $(($(date +%s) - krl_age_first_max)) ] || krl_refused 'it is an old one, or the clock of this host is wrong' || return 1
}

krl_age_first_max=3600
krl_age_alarm=900

krl_refused() {
  say "KRL refused, the one before stays: $1"
  return 1
}

# sshd never looks at the age. Where nobody looks at the log, `krl_age_seconds` is there for a monitor.
tell_krl_age() {
  age=$(($(date +%s) - $(krl_date "$conf/krl")))
  echo "$age" >"$state/krl_age_seconds"
  [ "$age" -le "$krl_age_alarm" ] || alarm "the KRL of this host is $age seconds old: revocations do not arrive"
}

alarm() {
  say "ALARM: $1"
  [ -n "$prefix" ] || ! command -v logger >/dev/null || logger -p auth.alert -t mayfly-host "$1" || true
}
