
# First sshd, then the broker: as long as this host trusts a CA the broker has to count it.
unenroll() {
  set_places
  load_settings
  need_tools
  make_work_folder
  if [ "$dry_run" = yes ]; then
    for file in "$drop_in" "$conf" "$state" "$tool" "$principals_tool" "$session_tool" "$units/mayfly-host.service" "$units/mayfly-host.timer"; do
      [ ! -e "$file" ] || echo "would remove $file"
    done
    ! grep -qsF "$session_tool" "$pam_file" || echo "would remove a line of $pam_file"
    return
  fi
  # What both files are to be, before the first of them is touched.
  grep -vxF "Include $drop_in" "$ssh_folder/sshd_config" >"$work/sshd_config" || [ $? = 1 ] || fail "cannot read $ssh_folder/sshd_config"
  if [ -f "$pam_file" ]; then without_pam_line >"$work/pam" || fail "cannot read $pam_file"; fi
  stop_helper
  lock
  rm -f "$drop_in"
  cmp -s "$ssh_folder/sshd_config" "$work/sshd_config" || replace_sshd_config "$work/sshd_config"
  if grep -qsF "$session_tool" "$pam_file"; then replace "$work/pam" "$pam_file" 644; fi
  "$sshd" -t -f "$ssh_folder/sshd_config" || fail 'sshd refuses its configuration: it was not reloaded'
  reload_sshd
  call leave '' || fail "sshd trusts the broker no longer; the broker does not know it yet: call this again, or remove the host there (delete $mount/hosts/$host)"
  rm -rf "$conf" "$tool" "$principals_tool" "$session_tool" "$units/mayfly-host.service" "$units/mayfly-host.timer"
  rm -rf "$state"
  ! has_systemd || systemctl daemon-reload
  say 'unenrolled'
}

# The turn that is at work as well; and what systemd remembers of one that failed.
stop_helper() {
  has_systemd || return 0
  systemctl disable --now mayfly-host.timer 2>/dev/null || true
  systemctl stop mayfly-host.service 2>/dev/null || true
  systemctl reset-failed mayfly-host.service 2>/dev/null || true
}
