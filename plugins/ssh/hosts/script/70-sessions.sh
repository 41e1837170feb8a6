
# sshd looks at the KRL when somebody logs in and never again: who is in when a certificate is revoked stays in, unless somebody ends the session.
end_revoked_sessions() {
  [ -s "$state/sessions" ] || return 0
  forget_ended_sessions
  end_sessions_by_time
  ssh-keygen -Q -l -f "$conf/krl" >"$work/revoked" 2>/dev/null || return 0
  revoked_sessions "$work/revoked" "$state/sessions" >"$work/ending"
  end_sessions 'is revoked' <"$work/ending"
}

# end_sessions WHY: those of standard input. All of them are asked to end, and then nobody is asked any more: one wait for all.
end_sessions() {
  : >"$work/left"
  : >"$work/scopes"
  while read -r _ ca serial account from port _; do
    end_connection "$from" "$port" && say "ended a session of $account: certificate $serial of $ca $1"
  done
  [ -s "$work/left" ] || [ -s "$work/scopes" ] || return 0
  sleep 1
  end_what_is_left
}

# Sessions whose certificate, or whose key, stands in the listing of a KRL.
revoked_sessions() {
  awk '
    # ssh-keygen shows the hash of a key in base64, and a hash that is listed as such in hex.
    # Four bits at a time, and no powers: not every awk can do them. `unit` is 2 to the number of the bits that are left over, 1 or 4, or 16 on the way.
    function hex(text, i, unit, value, out) {
      sub(/^SHA256:/, "", text)
      unit = 1
      for (i = 1; i <= length(text); i++) {
        value = value * 64 + index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", substr(text, i, 1)) - 1
        for (unit *= 64; unit >= 16; value = value % unit) { unit /= 16; out = out substr("0123456789abcdef", int(value / unit) + 1, 1) }
      }
      return "SHA256:" out
    }
    FNR == NR && /^# CA key / { ca = $NF }
    FNR == NR && /^# Wildcard CA/ { ca = "*" }
    FNR == NR && /^serial: / { n++; split($2, range, "-"); of[n] = ca; low[n] = range[1] + 0; high[n] = (range[2] == "" ? range[1] : range[2]) + 0 }
    FNR == NR && /^hash: SHA256:/ { keys[$2] = 1 }
    FNR == NR { next }
    {
      hit = ($7 in keys) || ($2 in keys) || (hex($7) in keys) || (hex($2) in keys)
      for (i = 1; i <= n && !hit; i++) hit = (of[i] == "*" || of[i] == $2) && low[i] <= $3 + 0 && $3 + 0 <= high[i]
      if (hit) print
    }' "$1" "$2"
}

connections() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; }

# A connection is known by the address and the port of its client, which the log tells: no number of a process that another may have by now.
socket_of() {
  connections | awk -v from="$1" -v port="$2" '
    function hex4(ip, p) { split(ip, p, "."); return sprintf("%02X%02X%02X%02X", p[4], p[3], p[2], p[1]) }
    function hex6(ip, left, right, n, m, i, words, all, out) {
      n = split(ip, words, "::")
      n = split(words[1], left, ":")
      m = index(ip, "::") ? split(words[2], right, ":") : 0
      for (i = 1; i <= 8; i++) all = all sprintf("%4s", i <= n ? left[i] : i > 8 - m ? right[i - 8 + m] : "0")
      gsub(/ /, "0", all)
      for (i = 0; i < 4; i++) out = out substr(all, i * 8 + 7, 2) substr(all, i * 8 + 5, 2) substr(all, i * 8 + 3, 2) substr(all, i * 8 + 1, 2)
      return toupper(out)
    }
    BEGIN { address = from ~ /:/ ? hex6(from) : hex4(from); wanted = sprintf(":%04X", port) }
    $4 == "01" && substr($3, length($3) - 4) == wanted {
      peer = substr($3, 1, length($3) - 5)
      if (peer == address || peer == "0000000000000000FFFF0000" address) print $10
    }'
}

# Who is not connected any more has logged out, between the last look and this one.
forget_ended_sessions() {
  : >"$work/ended"
  while read -r at rest; do
    # shellcheck disable=SC2086 # its words are what is wanted
    set -- $rest
    if is_open "$4" "$5"; then printf '%s %s\n' "$at" "$rest"; else printf 'logout %s %s\n' "$(date +%s)" "$rest" >>"$work/ended"; fi
  done <"$state/sessions" >"$work/sessions"
  cat "$work/ended" >>"$state/queue"
  cp "$work/sessions" "$state/sessions.new"
  mv -f "$state/sessions.new" "$state/sessions"
}

# By its connection, or, where PAM has told of it, by its process.
is_open() {
  case $2 in
    */*) lives "${2%/*}" "${2#*/}" ;;
    *) [ -n "$(socket_of "$1" "$2")" ] ;;
  esac
}

end_connection() {
  case $2 in */*)
    lives "${2%/*}" "${2#*/}" && end_process "${2%/*}"
    return
    ;;
  esac
  ended=no
  # More than one where the client has gone from the same port to another service of this host as well, perhaps to hide behind it.
  for inode in $(socket_of "$1" "$2"); do
    for pid in $(holders_of "$inode"); do
      case $(cat "/proc/$pid/comm" 2>/dev/null) in sshd | sshd-session) end_process "$pid" && ended=yes ;; esac
    done
  done
  [ "$ended" = yes ]
}

holders_of() {
  ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[$1]" '/^\/proc\// { split($1, p, "/") } $NF == socket { print p[3] }' | sort -u
}

# With all that was started in it: a command without a terminal would go on alone. What is to be ended is written down before anything ends: afterwards nobody's parent is known.
end_process() {
  tree=$(below "$1")
  for pid in $1 $tree; do
    echo "$pid $(began_at "$pid")" >>"$work/left"
    scope_of "/proc/$pid/cgroup" >>"$work/scopes"
  done
  kill -TERM "$1" 2>/dev/null || true
  # shellcheck disable=SC2086 # one process a word
  [ -z "$tree" ] || kill -HUP $tree 2>/dev/null || true
}

# The session manager's name of a session. Below a user's own manager (`user@`) scopes have the names that the user likes, that of another's session among them.
scope_of() { sed -n '/\/user@/d; s|.*/user-[0-9]*\.slice/session-\([A-Za-z0-9]*\)\.scope.*|\1|p' "$1" 2>/dev/null | head -n 1; }

# Also what has left its parent, where there is a session manager that knows it all the same: of one that does not want to end it would wait for minutes.
end_what_is_left() {
  while read -r pid began; do
    ! lives "$pid" "$began" || kill -KILL "$pid" 2>/dev/null || true
  done <"$work/left"
  # Below a prefix it is the session of whoever started this.
  [ -z "$prefix" ] || return 0
  sort -u "$work/scopes" | while read -r scope; do
    grep -l "/user-[0-9]*\.slice/session-$scope\.scope" /proc/[0-9]*/cgroup 2>/dev/null | sed 's|^/proc/\([0-9]*\)/cgroup$|\1|' | while read -r pid; do
      kill -KILL "$pid" 2>/dev/null || true
    done
    ! command -v loginctl >/dev/null || loginctl terminate-session "$scope" 2>/dev/null || true
  done
}

below() {
  cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/^\([0-9]*\) (.*) [A-Za-z] \([0-9]*\) .*/\1 \2/p' | awk -v top="$1" '
    { parent[$1] = $2 }
    END { for (pid in parent) { at = pid; for (i = 0; i < 64 && at in parent && at != top; i++) at = parent[at]; if (at == top && pid != top) print pid } }'
}
