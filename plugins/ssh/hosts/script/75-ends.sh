
# When the certificates of sessions end, and which were ended: the list names each until an hour after its time. Who heard nothing for longer asks, and who is to end sessions with their certificates does.
silence_max=1800
asked_max=200

# Written down before the broker's word is new again: a turn that dies in between asks with the next.
note_silence() {
  [ $(($(date +%s) - $(cat "$state/contact" 2>/dev/null || echo 0))) -lt "$silence_max" ] || : >"$state/silent"
}

# What the host knows it does not ask again: `CA SERIAL SECONDS good|ended`, a line each.
ask_of_sessions() {
  certificates_to_ask >"$work/asked"
  while [ -s "$work/asked" ]; do
    head -n "$asked_max" "$work/asked" >"$work/asking"
    awk 'BEGIN { printf ",\"certificates\":[" } { printf "%s{\"ca\":\"%s\",\"serial\":\"%s\"}", (NR > 1 ? "," : ""), $1, $2 } END { printf "]" }' "$work/asking" >"$work/fields"
    call sessions "$(cat "$work/fields")" || return 1
    sed -n 's/^certificate \(SHA256:[A-Za-z0-9+\/]* [0-9]* [0-9]* [a-z]*\)$/\1/p' "$work/reply" >"$work/answered"
    keep_ends "$work/answered"
    tail -n "+$((asked_max + 1))" "$work/asked" >"$work/asked.rest"
    mv -f "$work/asked.rest" "$work/asked"
  done
  rm -f "$state/silent"
}

certificates_to_ask() {
  : >>"$state/ends"
  if [ -f "$state/silent" ]; then known=/dev/null; elif [ "$outlive" != keep ]; then known=$state/ends; else return 0; fi
  awk -v known="$known" 'BEGIN { while ((getline line <known) > 0) { split(line, w, " "); seen[w[1] " " w[2]] = 1 } } !seen[$2 " " $3]++ { print $2, $3 }' "$state/sessions"
}

# The new ones, and of those before what still has a session.
keep_ends() {
  : >>"$state/ends"
  awk '
    FILENAME == ARGV[1] { held[$2 " " $3] = 1; next }
    ($1 " " $2) in held && !said[$1 " " $2]++ { print }' "$state/sessions" "$1" "$state/ends" >"$work/ends"
  cmp -s "$work/ends" "$state/ends" || replace "$work/ends" "$state/ends" 600
}

# Sessions of certificates that were ended while nobody could say it here, or whose time was over too long ago.
end_sessions_by_time() {
  [ -s "$state/ends" ] || return 0
  sessions_by_end "\$4 == \"ended\"" >"$work/ending"
  end_sessions 'was revoked while this host heard nothing' <"$work/ending"
  [ "$outlive" != keep ] || return 0
  sessions_by_end "\$3 + $outlive * 60 <= $(date +%s)" >"$work/ending"
  end_sessions 'has expired' <"$work/ending"
}

sessions_by_end() {
  awk "FILENAME == ARGV[1] { if ($1) over[\$1 \" \" \$2] = 1; next } (\$2 \" \" \$3) in over" "$state/ends" "$state/sessions"
}
