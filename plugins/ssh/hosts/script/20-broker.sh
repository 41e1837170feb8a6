
# fetch PATH FILE: what anybody may read of the broker.
fetch() {
  code=$(curl --silent --show-error --proto '=https,http' --max-time "$seconds_max" --max-filesize "$bytes_max" ${cacert:+--cacert "$cacert"} \
    --output "$2" --write-out '%{http_code}' "$address/v1/$mount/$1" 2>"$work/trouble") || {
    say "cannot reach the broker: $(head -n 1 "$work/trouble")"
    return 1
  }
  [ "$code" = 200 ] || {
    say "$mount/$1: $(told "$2")"
    return 1
  }
}

# send PATH BODY REPLY [HEADERS]
send() {
  code=$(curl --silent --show-error --proto '=https,http' --max-time "$seconds_max" --max-filesize "$bytes_max" ${cacert:+--cacert "$cacert"} \
    --header 'Content-Type: application/json' ${4:+--header "@$4"} --data-binary "@$2" \
    --output "$3" --write-out '%{http_code}' "$address/v1/$1" 2>"$work/trouble") || {
    say "cannot reach the broker: $(head -n 1 "$work/trouble")"
    return 1
  }
  case $code in
    2??) ;;
    *)
      say "$1: $(told "$3")"
      return 1
      ;;
  esac
}

# The broker's words on a refusal, for a person's eyes: nothing in them may move a cursor.
told() {
  printf '%s %s' "$code" "$(tr -cd '[:print:]' <"$1" 2>/dev/null | sed 's/^{"errors":\[//; s/\]}$//' | cut -c 1-300)"
}

one_line() { base64 <"$1" | tr -d '\n'; }

# Each message has a higher number than all before, on a host whose clock steps back too: the broker takes none twice.
next_sequence() {
  last=$(cat "$state/sequence" 2>/dev/null || echo 0)
  sequence=$(date +%s)
  [ "$sequence" -gt "$last" ] || sequence=$((last + 1))
  echo "$sequence" >"$state/sequence.new"
  put_file "$state/sequence.new" "$state/sequence" 600
}

# sign_message WHAT FIELDS FILE [MORE]: a body, signed with the host key.
sign_message() {
  next_sequence
  printf '{"to":"%s","do":"%s","host":"%s","sequence":%s%s}' "$audience" "$1" "$host" "$sequence" "$2" >"$work/message"
  rm -f "$work/message.sig"
  ssh-keygen -q -Y sign -f "$key" -n host@mayfly "$work/message" 2>"$work/trouble" || fail "cannot sign with $key: $(head -n 1 "$work/trouble")"
  {
    printf '{"message":"'
    one_line "$work/message"
    printf '","signature":"'
    one_line "$work/message.sig"
    printf '"%s}' "${4:-}"
  } >"$3"
}

# call WHAT FIELDS [MORE]: the reply is in $work/reply.
call() {
  sign_message "$1" "$2" "$work/body" "${3:-}"
  send "$mount/hosts/$host/$1" "$work/body" "$work/reply"
}

# The certificate of a reply, and when to ask for the next: at two thirds of its life.
take_certificate() {
  sed -n 's/.*"signed_key":"\([A-Za-z0-9@.+\/= -]*\)\\n".*/\1/p' "$work/reply" >"$work/certificate"
  lives=$(sed -n 's/.*"lease_duration":\([0-9]*\).*/\1/p' "$work/reply")
  ssh-keygen -L -f "$work/certificate" >/dev/null 2>&1 && [ -n "$lives" ] || fail 'the broker sent no certificate that ssh-keygen can read'
  echo $(($(date +%s) + lives * 2 / 3)) >"$work/renew-at"
}
