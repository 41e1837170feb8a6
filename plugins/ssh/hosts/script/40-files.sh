
# What sshd is told. Both ways to principals at once would switch the cut-off off: sshd does not ask the command when the file says yes.
write_drop_in() {
  echo '# Written by mayfly-host, and removed by: mayfly-host unenroll'
  echo "TrustedUserCAKeys $conf/user_ca.pub"
  echo "RevokedKeys $conf/krl"
  echo "HostCertificate $certificate"
  case $principals in
    # Nobody enters an account that the broker does not name.
    files) echo "AuthorizedPrincipalsFile $conf/principals/%u" ;;
    # Without either sshd has a rule of its own: the account must be a principal.
    names) echo 'AuthorizedPrincipalsFile none' ;;
    *)
      echo 'AuthorizedPrincipalsFile none'
      # sshd looks at the owners on the way to the first word only: below a prefix they may be an ordinary user's.
      echo "AuthorizedPrincipalsCommand ${prefix:+/bin/sh }$principals_tool %u %s %F"
      echo "AuthorizedPrincipalsCommandUser $command_user"
      ;;
  esac
  # Each login with its certificate and address stands in the log, and the log is what the helper reports.
  echo 'LogLevel VERBOSE'
  echo 'ExposeAuthInfo yes'
}

write_settings() {
  echo "address $address"
  echo "mount $mount"
  echo "host $host"
  echo "audience $audience"
  # Where it will stand: until the plan is installed it is read where it is now.
  echo "cacert ${cacert:+$conf/broker-ca.pem}"
  echo "key $key"
  echo "log $log"
  echo "interval $interval"
  echo "principals $principals"
  echo "command-user $command_user"
  echo "offline $offline"
  echo "offline-minutes $offline_minutes"
  echo "sessions-outlive $outlive"
}

# Each turn waits for news by itself. What it has to say it says as a notice; that it began and ended nobody needs to read every 20 seconds.
write_service() {
  printf '[Unit]\nDescription=SSH certificates of this host, by mayfly\nAfter=network-online.target\nWants=network-online.target\n\n'
  printf '[Service]\nType=oneshot\nExecStart=/bin/sh %s turn\nTimeoutStartSec=180\nLogLevelMax=notice\nSyslogLevel=notice\n' "$tool"
}

write_timer() {
  printf '[Unit]\nDescription=SSH certificates of this host, by mayfly\n\n'
  printf '[Timer]\nOnActiveSec=1s\nOnBootSec=5s\nOnUnitInactiveSec=1s\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n'
}

# stage NAME TARGET MODE: standard input is what is to stand at TARGET.
stage() {
  cat >"$work/files/$1"
  echo "$1 $2 $3" >>"$work/plan"
}

# What would change, as a diff; nothing when all stands there already.
show_plan() {
  while read -r name target mode; do
    if [ -f "$target" ]; then
      cmp -s "$target" "$work/files/$name" && continue
      printf -- '--- %s\n+++ %s\n' "$target" "$target"
      diff -u "$target" "$work/files/$name" | sed 1,2d
    else
      echo "+++ $target ($(awk 'END { print NR }' "$work/files/$name") lines)"
      [ "$mode" = 755 ] || sed 's/^/+/' "$work/files/$name"
    fi
  done <"$work/plan"
}

install_plan() {
  while read -r name target mode; do
    cmp -s "$work/files/$name" "$target" && continue
    mkdir -p "${target%/*}"
    replace "$work/files/$name" "$target" "$mode"
  done <"$work/plan"
}

# Accounts and what they take: one file each, as sshd reads them, one principal a line. Those that the broker no longer names go.
write_accounts() {
  mkdir -p "$conf/principals"
  sed -n 's/^account //p' "$1" >"$work/accounts"
  while read -r account takes; do
    case $account in '' | .* | *[!A-Za-z0-9._-]*) continue ;; esac
    printf '%s\n' "$takes" | tr ' ' '\n' >"$work/takes"
    cmp -s "$work/takes" "$conf/principals/$account" && continue
    replace "$work/takes" "$conf/principals/$account" 644
  done <"$work/accounts"
  for file in "$conf/principals"/*; do
    [ -f "$file" ] || continue
    awk -v name="${file##*/}" '$1 == name { found = 1 } END { exit !found }' "$work/accounts" || rm -f "$file"
  done
}

# An empty list would lock everybody out, and none was meant.
write_ca_keys() {
  sed -n 's/^ca //p' "$1" >"$work/user_ca.pub"
  [ -s "$work/user_ca.pub" ] && ! cmp -s "$work/user_ca.pub" "$conf/user_ca.pub" || return 0
  ssh-keygen -l -f "$work/user_ca.pub" >/dev/null 2>&1 || fail 'the broker sent CA keys that ssh-keygen cannot read'
  replace "$work/user_ca.pub" "$conf/user_ca.pub" 644
}

# What the user that sshd asks as needs, and nobody else.
write_word() {
  sed -n 's/^word \([0-9a-f]*\)$/\1/p' "$1" >"$work/word"
  ! cmp -s "$work/word" "$conf/word" || return 0
  (umask 077 && cp "$work/word" "$conf/.word.new")
  [ "$(id -u)" != 0 ] || chown "$command_user" "$conf/.word.new"
  put_file "$conf/.word.new" "$conf/word" 400
}

reload_sshd() {
  if has_systemd; then
    # By the one name or the other. Where a socket starts it, it may not run now.
    for unit in ssh sshd; do
      systemctl --quiet is-active "$unit" || continue
      systemctl reload "$unit" || say "sshd was not reloaded: it goes on as before until 'systemctl reload $unit' works"
      return
    done
  elif [ -s "$prefix/run/sshd.pid" ] && [ "$(cat "/proc/$(cat "$prefix/run/sshd.pid")/comm" 2>/dev/null)" = sshd ]; then
    kill -HUP "$(cat "$prefix/run/sshd.pid")"
    return
  fi
  say 'sshd does not run here: it reads the new configuration when it starts'
}
