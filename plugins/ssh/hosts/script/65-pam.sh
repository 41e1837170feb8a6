
# Where sshd's log is not to be seen, PAM tells of each session as it begins, with its certificate: nothing of it can be made up by who can write into a log.
pam_line() { echo "session optional pam_exec.so quiet type=open_session $session_tool"; }

can_use_pam() {
  [ -f "$pam_file" ] && [ "$(sshd_word usepam)" = yes ] || return 1
  for module in /lib/security/pam_exec.so /lib64/security/pam_exec.so /lib/*/security/pam_exec.so /usr/lib/security/pam_exec.so /usr/lib/*/security/pam_exec.so; do
    [ ! -f "$module" ] || return 0
  done
  return 1
}

# Since OpenSSH 10.6 it shows its words with capitals.
sshd_word() { "$sshd" -T -f "$ssh_folder/sshd_config" 2>/dev/null | awk -v word="$1" 'tolower($1) == word { print $2 }'; }

stage_pam() {
  [ "$log" != pam ] || {
    sed "s|^state=.*|state=$state|" "$work/session" | stage session "$session_tool" 755
  }
  # Where another way was chosen before, the line goes.
  if [ "$log" = pam ] || grep -qsF "$session_tool" "$pam_file"; then
    pam_words >"$work/pam" || fail "cannot read $pam_file"
    stage pam "$pam_file" 644 <"$work/pam"
  fi
}

# The first line, and only as a session begins: what stands before it, or has run by its end, may let users say in which environment others run, and ours runs as root (`pam_env.so user_readenv=1`,
# which Debian has here up to 12: a `~/.pam_environment` with LD_PRELOAD in it). It may also say who may be what from then on (`pam_selinux.so open`).
pam_words() {
  [ "$log" != pam ] || pam_line
  without_pam_line
}

# That nothing is left is no mistake; a piece of it, where a disk is full, would keep everybody out, or let everybody in.
without_pam_line() { grep -vF "$session_tool" "$pam_file" || [ $? = 1 ]; }

# As the lines of a log are: written down first, and then forgotten.
read_pam_notes() {
  for note in "$state/pam"/[0-9]*; do
    [ -f "$note" ] || continue
    read_pam_note "$note" >"$work/logins"
    keep_logins
    keep_ends "$work/noted-ends"
    rm -f "$note"
  done
}

# The certificates of one session, as `parse_logins` has them, and when they end. In the place of the port stands the process of sshd that ends with the session.
read_pam_note() {
  read -r at pid began account from <"$1"
  sed -n 's/^publickey \([a-z0-9@.-]*-cert-v01@openssh.com [A-Za-z0-9+\/=]*\)$/\1/p' "$1" >"$work/noted"
  TZ=UTC ssh-keygen -L -f "$work/noted" 2>/dev/null | awk -v at="$at" -v who="$account $from $pid/$began" -v ends="$work/noted-times" '
    BEGIN { printf "" >ends }
    $1 == "Public" && $2 == "key:" { key = $NF }
    $1 == "Signing" && $2 == "CA:" { ca = $4 }
    $1 == "Serial:" && $2 ~ /^[0-9]+$/ && ca != "" { print at, ca, $2, who, key; name = ca " " $2; ca = "" }
    $1 == "Valid:" && name != "" && /( to |before )/ { print name, $NF >ends; name = "" }'
  while read -r ca serial time; do
    seconds=$(date -u -d "$(echo "$time" | tr T ' ')" +%s 2>/dev/null) || continue
    echo "$ca $serial $seconds good"
  done <"$work/noted-times" >"$work/noted-ends"
}
