
sync_once() {
  set_places
  load_settings
  need_tools
  make_work_folder
  lock
  sync_with_broker || away=yes
  renew_certificate || away=yes
  tell_krl_age
  [ "${away:-no}" = no ] || exit 1
}

# The word "I run this KRL" is given after the sessions that it ends have ended: the broker takes it as proof.
sync_with_broker() {
  note_silence
  begin_log
  read_logins
  report || {
    end_revoked_sessions
    return 1
  }
  while [ "$(krl_version "$conf/krl")" -lt "$wanted_krl" ]; do
    before=$(krl_version "$conf/krl")
    pull_krl || return 1
    [ "$(krl_version "$conf/krl")" -gt "$before" ] || return 1
    # Who passed the old KRL a moment ago is in the log by now.
    sleep 1
    read_logins
    end_revoked_sessions
    report || return 1
  done
  answered=yes
  ask_of_sessions || answered=no
  end_revoked_sessions
  send_logins && [ "$answered" = yes ]
}

report() {
  ends=true
  sees_sessions || ends=false
  tell_whether_blind
  call report ",\"krl_version\":$(krl_version "$conf/krl"),\"krl_date\":$(krl_date "$conf/krl"),\"ends_sessions\":$ends,\"clock\":$(date +%s)" || return 1
  wanted_krl=$(sed -n 's/^krl //p' "$work/reply")
  case $wanted_krl in '' | *[!0-9]*) fail 'the broker says no version of its KRL' ;; esac
  write_ca_keys "$work/reply"
  write_accounts "$work/reply"
  write_word "$work/reply"
  tell_clock "$work/reply"
  sed -n 's/^host_ca \(SHA256:.*\)$/\1/p' "$work/reply" >"$work/host_ca"
  date +%s >"$state/contact.new"
  put_file "$state/contact.new" "$state/contact" 644
}

# By this clock sshd judges each certificate. Said once, until it is right again.
tell_clock() {
  theirs=$(sed -n 's/^time \([0-9]*\)$/\1/p' "$1")
  [ -n "$theirs" ] || return 0
  off=$(($(date +%s) - theirs))
  if [ "$off" -le "$clock_off_max" ] && [ "$off" -ge "-$clock_off_max" ]; then
    rm -f "$state/clock_off"
    return
  fi
  said=no
  [ ! -f "$state/clock_off" ] || said=yes
  (echo "$off" >"$state/clock_off") 2>/dev/null || true
  [ "$said" = no ] || return 0
  if [ "$off" -gt 0 ]; then
    alarm "the clock of this host is $off s ahead of the broker's: certificates end here so much too early, and short ones are never good"
  else
    alarm "the clock of this host is ${off#-} s behind the broker's: sshd refuses certificates that are not as old as that, and takes them so much too long"
  fi
}

# Certificates begin 30 s before they are made.
clock_off_max=20

# Who logged in stands in the log, and who is connected in /proc.
sees_sessions() { sees_log && [ -r /proc/net/tcp ]; }

tell_whether_blind() {
  if sees_sessions; then
    rm -f "$state/blind"
    return
  fi
  # Said once, and not with every turn.
  [ -f "$state/blind" ] || say "sessions of revoked certificates go on: there is no log of sshd at $log, or no /proc"
  : >"$state/blind"
}

sees_log() {
  case $log in
    pam) grep -qs "^[[:space:]]*session[[:space:]].*$session_tool" "$pam_file" && [ -x "$session_tool" ] && [ "$(sshd_word usepam)" != no ] ;;
    # One that keeps nothing says nothing.
    journal) [ -d /run/systemd/system ] && [ -n "$(journalctl -q --no-pager -n 1 -o cat 2>/dev/null)" ] ;;
    *) [ -r "$log" ] ;;
  esac
}

renew_certificate() {
  certificate=$conf/$(basename "$key")-cert.pub
  [ "$(date +%s)" -ge "$(cat "$state/renew-at" 2>/dev/null || echo 0)" ] || is_by_nobody || return 0
  call renew '' || return 1
  take_certificate
  replace "$work/certificate" "$certificate" 644
  cp "$work/renew-at" "$state/renew-at"
  # sshd reads it only when it starts.
  reload_sshd
}

# Its issuer was revoked: clients take it for a host that they do not know.
is_by_nobody() {
  [ -s "$work/host_ca" ] || return 1
  ssh-keygen -L -f "$certificate" 2>/dev/null | sed -n 's/^ *Signing CA: [^ ]* \(SHA256:[^ ]*\).*/\1/p' >"$work/signed_by"
  [ -s "$work/signed_by" ] && ! grep -qxF "$(cat "$work/signed_by")" "$work/host_ca"
}

# A turn begins when there is a newer list, and at the latest when the broker is tired of being waited at.
turn() {
  set_places
  load_settings
  make_work_folder
  began=$(date +%s)
  fetch "krl/news?after=$(krl_version "$conf/krl")" "$work/news" || true
  # Without an answer there is no such file.
  news=$(sed -n 's/^krl \([0-9]*\)$/\1/p' "$work/news" 2>/dev/null) || news=
  # No news and no wait: the broker is away, or has no place for one more.
  [ "${news:-0}" -gt "$(krl_version "$conf/krl")" ] || [ $(($(date +%s) - began)) -ge 5 ] || sleep "$interval"
  rm -rf "$work"
  sync_once
}

# Each turn is a process of its own: what goes wrong in one ends that one. Of two helpers the newer one stays.
run_helper() {
  set_places
  load_settings
  me="$$ $(began_at $$)"
  # A full disk keeps nobody from helping.
  (echo "$me" >"$state/helper") 2>/dev/null || true
  trap 'kill "$now_running" 2>/dev/null; exit 143' TERM INT HUP
  while [ -f "$conf/settings" ] && is_newest_helper; do
    /bin/sh "$tool" turn &
    now_running=$!
    wait "$now_running" || sleep 1
  done
}

is_newest_helper() {
  newest=$(cat "$state/helper" 2>/dev/null || true)
  [ "${newest:-$me}" = "$me" ]
}

status() {
  set_places
  load_settings
  need_tools
  echo "host        $host"
  echo "broker      $address/v1/$mount"
  echo "krl         $(krl_version "$conf/krl"), $(($(date +%s) - $(krl_date "$conf/krl"))) s old"
  echo "last word   $(($(date +%s) - $(cat "$state/contact" 2>/dev/null || echo 0))) s ago"
  [ ! -f "$state/clock_off" ] || echo "clock       $(cat "$state/clock_off") s ahead of the broker's (less than 0: behind)"
  echo "renewal in  $(($(cat "$state/renew-at" 2>/dev/null || echo 0) - $(date +%s))) s"
  echo "sessions    $(awk 'END { print NR }' "$state/sessions" 2>/dev/null || echo 0), told by $log$(sees_sessions || echo ', which is not to be seen: nobody ends them')"
  echo "waiting     $(awk 'END { print NR }' "$state/queue" 2>/dev/null || echo 0) logins"
}
