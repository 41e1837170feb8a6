#!/bin/sh
# shellcheck disable=SC2012,SC2015
# mayfly-host: what a host does for its SSH certificates. It needs sh, curl, ssh-keygen and the usual small tools, and runs as root.
#
#   enroll    proves its host key to the broker, gets a host certificate, and lets sshd trust the broker's certificates
#   sync      one turn of the helper: what is revoked, who logged in, a new certificate when it is time
#   turn      the same as soon as the broker has news
#   run       turn after turn, where there is no systemd
#   status    what this host runs
#   push      what the broker runs here over ssh, where there is no helper
#   unenroll  takes all of it away again
set -eu
umask 022
LC_ALL=C
export LC_ALL

prefix=''
libexec=/usr/libexec
address=''
mount=ssh
host=''
cacert=''
key=''
offline=allow
offline_minutes=0
outlive=keep
principals='command'
command_user=nobody
interval=15
log=''
token_file=''
wrapped=no
dry_run=no
start=yes

# No file of a host's may grow with what a broken server sends.
bytes_max=4194304
# News may take 20 seconds.
seconds_max=30

say() { printf 'mayfly-host: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

usage() {
  fail "usage: mayfly-host enroll --address URL --host NAME [--mount ssh] [--cacert FILE] [--token-file FILE|-] [--wrapped]
       [--principals command|files|names] [--offline allow|deny] [--offline-minutes N] [--sessions-outlive keep|MINUTES]
       [--interval SECONDS] [--log FILE|journal|pam] [--key FILE] [--prefix DIR] [--libexec DIR]
       [--command-user USER] [--no-start] [--dry-run]
       mayfly-host sync|turn|run|status|unenroll [--prefix DIR]"
}

read_options() {
  while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
      --wrapped) wrapped=yes && continue ;;
      --dry-run) dry_run=yes && continue ;;
      --no-start) start=no && continue ;;
    esac
    [ $# -gt 0 ] || usage
    case $option in
      --address) address=${1%/} ;;
      --mount) mount=${1%/} ;;
      --host) host=$1 ;;
      --cacert) cacert=$1 ;;
      --key) key=$1 ;;
      --prefix) prefix=${1%/} ;;
      --libexec) libexec=${1%/} ;;
      --offline) offline=$1 ;;
      --offline-minutes) offline_minutes=$1 ;;
      --sessions-outlive) outlive=$1 ;;
      --principals) principals=$1 ;;
      --command-user) command_user=$1 ;;
      --interval) interval=$1 ;;
      --log) log=$1 ;;
      --token-file) token_file=$1 ;;
      *) usage ;;
    esac
    shift
  done
  # These stand in files that sshd and this script read again: nothing in them may mean something else there.
  for word in "$prefix" "$libexec" "$key" "$cacert" "$log" "$mount" "$host" "$command_user"; do
    case $word in *[!A-Za-z0-9._/-]*) fail "only letters, digits and ._/- in names and paths: $word" ;; esac
  done
}

check_enrolment() {
  [ -n "$address" ] && [ -n "$host" ] || usage
  case $address in
    https://* | http://127.0.0.1:* | http://localhost:* | 'http://[::1]:'*) ;;
    *) fail "--address: https://..., or http:// on this host itself" ;;
  esac
  case $address in *[!A-Za-z0-9.:/_%@\[\]-]* | *[[:space:]]*) fail '--address: not a URL' ;; esac
  case $offline in allow | deny) ;; *) fail '--offline: allow or deny' ;; esac
  case $principals in command | files | names) ;; *) fail '--principals: command, files or names' ;; esac
  for number in "$offline_minutes" "$interval"; do
    case $number in '' | *[!0-9]*) fail "a number was expected: $number" ;; esac
  done
  case $outlive in keep) ;; '' | *[!0-9]*) fail '--sessions-outlive: keep, or a number of minutes' ;; esac
  [ "$interval" -ge 1 ] || fail '--interval: at least 1 second'
}

set_places() {
  ssh_folder=$prefix/etc/ssh
  conf=$ssh_folder/mayfly
  state=$prefix/var/lib/mayfly-host
  krl_before=$conf/krl
  krl_signers=$conf/allowed_signers
  drop_in=$ssh_folder/sshd_config.d/50-mayfly.conf
  units=$prefix/etc/systemd/system
  tool=$prefix$libexec/mayfly-host
  principals_tool=$prefix$libexec/mayfly-principals
  session_tool=$prefix$libexec/mayfly-session
  pam_file=$prefix/etc/pam.d/sshd
}

# Below a prefix it is the machine's, and not that host's.
has_systemd() { [ -z "$prefix" ] && [ -d /run/systemd/system ]; }

need_tools() {
  for program in curl ssh-keygen awk sed base64 od; do
    command -v "$program" >/dev/null || fail "$program is missing on this host"
  done
  sshd=$(command -v sshd || echo /usr/sbin/sshd)
  [ -x "$sshd" ] || fail 'sshd is missing on this host'
}

# What only this run needs; gone with it.
make_work_folder() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"; unlock' EXIT
  trap 'exit 130' INT TERM HUP
}

# One line of the settings that enrolment wrote.
setting() { sed -n "s|^$1 ||p" "$conf/settings"; }

load_settings() {
  [ -f "$conf/settings" ] || fail "this host is not enrolled: there is no $conf/settings"
  address=$(setting address)
  mount=$(setting mount)
  host=$(setting host)
  cacert=$(setting cacert)
  key=$(setting key)
  log=$(setting log)
  interval=$(setting interval)
  audience=$(setting audience)
  command_user=$(setting command-user)
  outlive=$(setting sessions-outlive)
  outlive=${outlive:-keep}
}

# Whole or not at all, also after a crash: sshd reads these files at every login.
put_file() {
  [ "$3" = as-it-is ] || chmod "$3" "$1"
  sync "$1" 2>/dev/null || sync
  mv -f "$1" "$2"
}

# replace FROM TARGET MODE: renaming is whole only within one file system, and a copy that was cut for want of room goes nowhere.
replace() {
  cp "$1" "$2.mayfly-new" || {
    rm -f "$2.mayfly-new"
    fail "cannot write $2"
  }
  put_file "$2.mayfly-new" "$2" "$3"
}
