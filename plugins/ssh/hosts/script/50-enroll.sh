
enroll() {
  check_enrolment
  set_places
  need_tools
  make_work_folder
  mkdir "$work/files"
  # Who sends the script to a host sends along whom to trust.
  [ -z "${mayfly_ca:-}" ] || {
    printf '%s\n' "$mayfly_ca" >"$work/broker-ca.pem"
    cacert=$work/broker-ca.pem
  }
  : >"$work/plan"
  find_key
  find_log
  learn
  certificate=$conf/$(basename "$key")-cert.pub
  if [ "$dry_run" = yes ]; then
    stage_files
    write_drop_in | stage drop-in "$drop_in" 644
    show_plan
    is_enrolled || say "a certificate for $key would be asked for"
    say 'dry run: nothing was changed'
    return
  fi
  lock
  prove
  stage_files
  install_trust
  install_sshd
  begin_helper
  say "enrolled: $(ssh-keygen -L -f "$certificate" | awk '/Serial:/ { print "serial " $2 }'), KRL $(krl_version "$conf/krl")"
}

find_key() {
  if [ -z "$key" ]; then
    for type in ed25519 ecdsa rsa; do
      key=$ssh_folder/ssh_host_${type}_key
      [ ! -f "$key" ] || break
    done
  fi
  [ -f "$key" ] && [ -f "$key.pub" ] || fail "no host key at $key"
}

# Where sshd says who came in. A log is taken that is there and that it writes to; without one PAM is asked, which needs a line in its configuration.
find_log() {
  if [ "$log" = pam ]; then
    can_use_pam || fail "--log pam: needs $pam_file, pam_exec.so and UsePAM yes"
  fi
  [ -z "$log" ] || return 0
  for log in journal "$prefix/var/log/auth.log" "$prefix/var/log/secure"; do
    ! says_logins || return 0
  done
  if can_use_pam; then log=pam; else log=$prefix/var/log/auth.log; fi
}

says_logins() {
  case $(sshd_word loglevel) in [Qq][Uu]* | [Ff][Aa]* | [Ee][Rr]*) return 1 ;; esac
  sees_log
}

# What anybody may know of the broker. The nonce says which mount it is: what is signed for this one is of no use at another.
learn() {
  fetch "hosts/$host/nonce" "$work/nonce" || fail 'not enrolled'
  # Made a moment after the first CA.
  tries=0
  until fetch krl/signer "$work/signer" 2>"$work/why"; do
    tries=$((tries + 1))
    [ "$tries" -lt 15 ] || fail "not enrolled: $(cat "$work/why")"
    sleep 1
  done
  fetch trusted_user_keys "$work/user_ca.pub" || fail 'not enrolled'
  fetch host-script "$work/tool" || fail 'not enrolled'
  fetch host-script/principals "$work/principals" || fail 'not enrolled'
  [ "$log" != pam ] || fetch host-script/session "$work/session" || fail 'not enrolled'
  nonce=$(tr -cd 'A-Za-z0-9._-' <"$work/nonce")
  audience=${nonce%%.*}
  ssh-keygen -l -f "$work/user_ca.pub" >/dev/null 2>&1 || fail 'the broker has no CA for users yet'
  # The broker sends the whole line of allowed signers: what the key may sign for is said here.
  awk 'NR == 1 { print $(NF - 1), $NF }' "$work/signer" >"$work/signer.pub"
  ssh-keygen -l -f "$work/signer.pub" >/dev/null 2>&1 || fail 'the broker has no key that signs KRLs'
}

# By this broker, under this name. A second time needs no token: its key is known.
is_enrolled() {
  [ -f "$conf/settings" ] && [ "$(setting audience)" = "$audience" ] && [ "$(setting host)" = "$host" ] && [ -s "$certificate" ]
}

# The token says that this host was invited, the signature that it holds the key.
prove() {
  mkdir -p "$conf" "$state"
  certificate_is_new=no
  if is_enrolled && report; then
    cp "$certificate" "$work/certificate"
    # Killed before it was written down: then it is time.
    cp "$state/renew-at" "$work/renew-at" 2>/dev/null || echo 0 >"$work/renew-at"
    return
  fi
  read_token
  [ "$wrapped" = no ] || unwrap_token
  call enroll ",\"nonce\":\"$nonce\",\"key\":\"$(cut -d ' ' -f 1-2 <"$key.pub")\"" ",\"token\":\"$token\"" || fail 'not enrolled'
  take_certificate
  certificate_is_new=yes
}

# In a file of headers, and not in an argument either.
unwrap_token() {
  printf '{}' >"$work/body"
  (umask 077 && printf 'X-Vault-Token: %s\n' "$token" >"$work/header")
  send sys/wrapping/unwrap "$work/body" "$work/reply" "$work/header" || fail 'the token does not unwrap: was it used already?'
  rm -f "$work/header"
  token=$(sed -n 's/.*"data":{[^}]*"token":"\([A-Za-z0-9._-]*\)".*/\1/p' "$work/reply")
  [ -n "$token" ] || fail 'what was wrapped is no enrolment token'
}

# Never in an argument: those are for everybody to read.
read_token() {
  token=${mayfly_token:-}
  case $token_file in
    '') ;;
    -) read -r token ;;
    *) read -r token <"$token_file" ;;
  esac
  case $token in
    '') fail 'a token is needed: --token-file FILE, or - for standard input' ;;
    *[!A-Za-z0-9._-]*) fail 'the token has characters that no token has' ;;
  esac
}

stage_files() {
  stage signers "$conf/allowed_signers" 644 <<END
mayfly namespaces="krl@mayfly" $(cat "$work/signer.pub")
END
  [ -z "$cacert" ] || stage authority "$conf/broker-ca.pem" 644 <"$cacert"
  write_settings | stage settings "$conf/settings" 644
  stage user_ca.pub "$conf/user_ca.pub" 644 <"$work/user_ca.pub"
  [ ! -f "$work/certificate" ] || stage certificate "$certificate" 644 <"$work/certificate"
  sed "s|^prefix=.*|prefix=$prefix|; s|^libexec=.*|libexec=$libexec|" "$work/tool" | stage tool "$tool" 755
  sed "s|^conf=.*|conf=$conf|; s|^state=.*|state=$state|" "$work/principals" | stage principals "$principals_tool" 755
  stage_pam
  if has_systemd; then
    write_service | stage service "$units/mayfly-host.service" 644
    write_timer | stage timer "$units/mayfly-host.timer" 644
  fi
}

# All that the configuration names is there before sshd hears of it: a missing KRL lets nobody in.
install_trust() {
  # The first one of this mount, by its own signer, before anything else is changed. Whether it is newer than that of another mount says nothing.
  krl_signers=$work/files/signers
  [ -f "$conf/settings" ] && [ "$(setting audience)" = "$audience" ] || krl_before=/dev/null
  pull_krl || [ -s "$krl_before" ] || fail 'there is no KRL yet: sshd was not changed'
  install_plan
  [ -z "$cacert" ] || cacert=$conf/broker-ca.pem
  krl_signers=$conf/allowed_signers
  krl_before=$conf/krl
  # At the login of every user, by another user.
  chmod 755 "$conf" "$state"
  cp "$work/renew-at" "$state/renew-at"
  : >>"$state/sessions"
  sync_with_broker || fail 'the broker does not take the word of this host: sshd was not changed'
}

install_sshd() {
  cp "$drop_in" "$work/drop-in.before" 2>/dev/null || rm -f "$work/drop-in.before"
  cp "$ssh_folder/sshd_config" "$work/sshd_config.before"
  write_drop_in >"$work/drop-in"
  # All as it is already, and sshd knows it.
  if [ "$certificate_is_new" = no ] && cmp -s "$work/drop-in" "$drop_in" && cmp -s "$work/drop-in" "$state/loaded"; then return; fi
  rm -f "$state/loaded"
  # First beside it: where a file that sshd refuses is left behind by a crash, sshd does not start again.
  cat "$work/drop-in" "$ssh_folder/sshd_config" >"$work/candidate"
  "$sshd" -t -f "$work/candidate" 2>"$work/trouble" || fail "sshd refuses the configuration: $(head -n 1 "$work/trouble"); nothing was changed"
  mkdir -p "${drop_in%/*}"
  replace "$work/drop-in" "$drop_in" 644
  include_drop_in
  "$sshd" -t -f "$ssh_folder/sshd_config" 2>"$work/trouble" || restore_sshd "sshd refuses the configuration: $(head -n 1 "$work/trouble")"
  require_in_force
  reload_sshd
  replace "$work/drop-in" "$state/loaded" 644
}

# The first word counts in a configuration: each of ours must be the one that sshd goes by.
require_in_force() {
  "$sshd" -T -f "$ssh_folder/sshd_config" >"$work/in-force" 2>/dev/null || restore_sshd 'sshd does not show its configuration'
  while read -r word value; do
    case $word in '#' | LogLevel | ExposeAuthInfo) continue ;; esac
    grep -qixF "$word $value" "$work/in-force" || restore_sshd "another $word comes first in the configuration of sshd"
  done <"$work/drop-in"
  # `none` cannot be said of it: sshd takes the word for a command, and lets nobody in (measured: 9.2).
  [ "$principals" = command ] || grep -qix 'AuthorizedPrincipalsCommand none' "$work/in-force" ||
    restore_sshd 'there is an AuthorizedPrincipalsCommand in the configuration of sshd'
}

# Distributions since 2020 include the folder at the top.
include_drop_in() {
  ! grep -Eiq '^[[:space:]]*include[[:space:]].*sshd_config\.d/' "$ssh_folder/sshd_config" || return 0
  {
    echo "Include $drop_in"
    cat "$ssh_folder/sshd_config"
  } >"$work/sshd_config"
  replace_sshd_config "$work/sshd_config"
}

# With the owner and the mode that it has.
replace_sshd_config() {
  cp -p "$ssh_folder/sshd_config" "$ssh_folder/sshd_config.mayfly-new"
  cat "$1" >"$ssh_folder/sshd_config.mayfly-new"
  put_file "$ssh_folder/sshd_config.mayfly-new" "$ssh_folder/sshd_config" as-it-is
}

restore_sshd() {
  if [ -f "$work/drop-in.before" ]; then replace "$work/drop-in.before" "$drop_in" 644; else rm -f "$drop_in"; fi
  cmp -s "$work/sshd_config.before" "$ssh_folder/sshd_config" || replace_sshd_config "$work/sshd_config.before"
  fail "$1; it was put back as it was"
}

begin_helper() {
  [ "$start" = yes ] || return 0
  if has_systemd; then
    systemctl daemon-reload
    systemctl enable --now mayfly-host.timer
  else
    say "no systemd here: the helper runs now, and has to be started with the host: /bin/sh $tool run"
    unlock
    nohup /bin/sh "$tool" run >/dev/null 2>&1 &
  fi
}
