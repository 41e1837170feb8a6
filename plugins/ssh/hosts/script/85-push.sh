
# A turn on a host without a helper: the broker itself is here, over ssh, with the KRL. What it is told at the end is whose sessions are here, and what this host runs now.
told_max=500

push() {
  set_places
  need_tools
  make_work_folder
  mkdir -p "$conf" "$state"
  lock
  find_log
  printf '%s' "${mayfly_krl:?}" | base64 -d >"$conf/.krl.new"
  [ "$(od -An -v -tx1 -N 8 "$conf/.krl.new" | tr -d ' \n')" = 5353484b524c0a00 ] && ssh-keygen -Q -l -f "$conf/.krl.new" >/dev/null 2>&1 ||
    fail 'what was sent is no KRL that ssh-keygen can read'
  if [ "$(krl_version "$conf/.krl.new")" -ge "$(krl_version "$conf/krl")" ]; then put_file "$conf/.krl.new" "$conf/krl" 644; fi
  # The first time from the beginning: who is in already is in that log.
  [ -f "$state/position" ] || [ "$log" = journal ] || [ ! -f "$log" ] || echo "$(ls -i "$log" | awk '{ print $1 }') 0" >"$state/position"
  : >>"$state/sessions"
  printf '%s' "${mayfly_ends:-}" >"$work/answered"
  keep_ends "$work/answered"
  sleep 1
  read_logins
  rm -f "$state/queue"
  end_revoked_sessions
  "$sshd" -T -f "$ssh_folder/sshd_config" 2>/dev/null | grep -qix "revokedkeys $conf/krl" ||
    fail "sshd here does not ask it: its configuration needs the line RevokedKeys $conf/krl"
  awk '!seen[$2 " " $3]++ { print "session", $2, $3 }' "$state/sessions" | head -n "$told_max"
  sees_sessions || echo blind
  echo "krl $(krl_version "$conf/krl")"
}
