
# Lines of sshd since the last look, oldest first: of the journal, or of a file that may have been rotated in between. What was read counts as read only when it is written down.
new_log_lines() {
  if [ "$log" = journal ]; then
    cp "$state/cursor" "$work/cursor" 2>/dev/null || true
    journalctl -q --no-pager -o short-unix --cursor-file="$work/cursor" -t sshd -t sshd-session _UID=0 2>/dev/null || true
    return
  fi
  [ -f "$log" ] || return 0
  inode=$(ls -i "$log" | awk '{ print $1 }')
  size=$(wc -c <"$log" | tr -d ' ')
  was_inode=$inode
  from=$size
  [ ! -f "$state/position" ] || read -r was_inode from <"$state/position"
  if [ "$was_inode" != "$inode" ] || [ "$from" -gt "$size" ]; then
    [ ! -f "$log.1" ] || [ "$(ls -i "$log.1" | awk '{ print $1 }')" != "$was_inode" ] || tail -c "+$((from + 1))" "$log.1"
    from=0
  fi
  tail -c "+$((from + 1))" "$log" | head -c $((size - from)) >"$work/tail"
  # A line that is being written is left for the next look.
  whole=$(awk '{ n += length($0) + 1 } END { print n + 0 }' "$work/tail")
  [ "$(tail -c 1 "$work/tail" | od -An -tx1 | tr -d ' ')" = 0a ] || whole=$((whole - $(tail -n 1 "$work/tail" | wc -c) - 1))
  [ "$whole" -ge 0 ] || whole=0
  head -c "$whole" "$work/tail"
  echo "$inode $((from + whole))" >"$work/position"
}

# Where the first look begins: logins of the time before are nobody's.
begin_log() {
  if [ "$log" = pam ]; then
    (umask 077 && mkdir -p "$state/pam")
  elif [ "$log" = journal ]; then
    [ -f "$state/cursor" ] || journalctl -q --no-pager -n 0 --cursor-file="$state/cursor" 2>/dev/null || true
  else
    [ -f "$state/position" ] || if [ -f "$log" ]; then
      echo "$(ls -i "$log" | awk '{ print $1 }') $(wc -c <"$log" | tr -d ' ')" >"$state/position"
    else
      echo '0 0' >"$state/position"
    fi
  fi
}

# Of a login with a certificate: time, CA, serial, account, address, port, key. A user name is a stranger's text: what counts is the start of the message and its last words.
parse_logins() {
  awk -v now="$(date +%s)" '
    { sub(/\r$/, ""); at = now; message = $0 }
    !/^Accepted publickey for / {
      colon = index($0, "]: ")
      if (!colon || substr($0, 1, colon) !~ /^([A-Z][a-z][a-z] +[0-9]+ [0-9:]+|[0-9][0-9T:.+Z-]+) [^ ]+ sshd(-session)?\[[0-9]+\]$/) next
      message = substr($0, colon + 3)
      if ($1 ~ /^[0-9]+\.[0-9]+$/) at = int($1)
    }
    {
      n = split(message, w, " ")
      sub(/%.*/, "", w[6])
      if (message !~ /^Accepted publickey for / || w[5] != "from" || w[7] != "port" || w[9] != "ssh2:" || w[12] != "ID") next
      # Nothing is longer than what the broker takes: anybody on this host can write into its log, and one line must not keep all others back.
      if (length(w[4]) > 256 || length(w[6]) > 64 || length(w[8]) > 5 || length(w[11]) != 50 || length(w[n - 3]) > 21 || length(w[n]) != 50) next
      if (at > now) at = now
      if (w[n - 2] != "CA" || w[n - 4] != "(serial" || w[n - 3] !~ /^[0-9]+\)$/ || w[n] !~ /^SHA256:[A-Za-z0-9+\/]+$/) next
      if (w[4] !~ /^[A-Za-z0-9._@-]+$/ || w[6] !~ /^[0-9a-fA-F.:]+$/ || w[8] !~ /^[0-9]+$/ || w[11] !~ /^SHA256:[A-Za-z0-9+\/]+$/) next
      print at, w[n], substr(w[n - 3], 1, length(w[n - 3]) - 1), w[4], w[6], w[8], w[11]
    }'
}

# First written down, then counted as read: a crash in between reads a login twice, never not at all.
read_logins() {
  if [ "$log" = pam ]; then
    read_pam_notes
    return
  fi
  rm -f "$work/position"
  new_log_lines | parse_logins >"$work/logins"
  keep_logins
  [ ! -f "$work/position" ] || replace "$work/position" "$state/position" 600
  [ "$log" != journal ] || [ ! -f "$work/cursor" ] || cp "$work/cursor" "$state/cursor"
}

keep_logins() {
  [ -s "$work/logins" ] || return 0
  cat "$work/logins" >>"$state/sessions" && sed 's/^/login /' "$work/logins" >>"$state/queue" || fail "cannot write below $state"
  # A broker that is away for long must not fill the disk: the oldest go.
  [ "$(wc -l <"$state/queue")" -le "$queue_max" ] || {
    alarm 'logins wait for the broker for too long: the oldest are dropped'
    tail -n "$queue_max" "$state/queue" >"$state/queue.new"
    mv -f "$state/queue.new" "$state/queue"
  }
}

queue_max=20000
batch_max=200

# A batch is sent as it is until the broker has taken it: by its number it counts once.
send_logins() {
  while [ -s "$state/batch" ] || [ -s "$state/queue" ]; do
    [ -s "$state/batch" ] || make_batch
    send "$mount/hosts/$host/logins" "$state/batch" "$work/reply" || return 1
    rm -f "$state/batch"
  done
}

make_batch() {
  head -n "$batch_max" "$state/queue" | awk '
    BEGIN { printf ",\"logins\":[" }
    { printf "%s{\"event\":\"%s\",\"at\":%s,\"ca\":\"%s\",\"serial\":\"%s\",\"user\":\"%s\",\"from\":\"%s\"}", (NR > 1 ? "," : ""), $1, $2, $3, $4, $5, $6 }
    END { printf "]" }' >"$work/fields"
  sign_message logins "$(cat "$work/fields")" "$work/batch"
  tail -n "+$((batch_max + 1))" "$state/queue" >"$state/queue.new"
  cp "$work/batch" "$state/batch.new"
  mv -f "$state/batch.new" "$state/batch"
  mv -f "$state/queue.new" "$state/queue"
}
