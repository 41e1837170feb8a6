
# The timer and an operator's hand do not work at the same time.
#
# Whoever wants to, and sees nobody, puts a file of his name, `<process>.<when it began>`, into the folder, and begins when still nobody else has one there who lives. Each writes before he looks, so of two the later one sees the
# other. Where both see each other the one whose name comes first takes his away. What somebody left who died is taken away by its name, by as many as like and however late: it is never that of another.
lock() {
  lock=$state/lock
  lock_name=$$.$(began_at $$)
  mkdir -p "$lock"
  tries=0
  until take_lock; do
    # Another one took all away meanwhile.
    [ -d "$lock" ] || fail "there is no $lock any more"
    tries=$((tries + 1))
    [ "$tries" -le "$lock_tries_max" ] || {
      unlock
      fail "another mayfly-host is at work here: ${at_work%%.*}"
    }
    sleep 1
  done
}

lock_tries_max=60

take_lock() {
  if [ ! -f "$lock/$lock_name" ]; then
    # Who settles it with another is not disturbed.
    look_into_lock
    [ -z "$at_work" ] || return 1
    (: >"$lock/$lock_name") 2>/dev/null || [ ! -d "$lock" ] || fail "cannot write below $state"
  fi
  look_into_lock
  [ "$comes_later" = no ] || rm -f "$lock/$lock_name"
  [ -z "$at_work" ] && [ -f "$lock/$lock_name" ]
}

# Names come in the order of their letters.
look_into_lock() {
  at_work='' comes_later=no seen_own=no
  for file in "$lock"/*; do
    other=${file##*/}
    if [ "$other" = "$lock_name" ]; then
      seen_own=yes
    elif is_at_work "$other"; then
      at_work=$other
      comes_later=$seen_own
    else
      rm -f "$file"
    fi
  done
}

is_at_work() {
  case $1 in
    # Of a script before this one, whose folder was the lock.
    pid)
      owner='' since=''
      { read -r owner since <"$lock/pid"; } 2>/dev/null || true
      lives "$owner" "$since"
      ;;
    *) lives "${1%%.*}" "${1#*.}" ;;
  esac
}

unlock() { [ -z "${lock_name:-}" ] || rm -f "$lock/$lock_name"; }

# A number alone may be another process's by now: after a loss of power, for one, and then this host would wait for it for ever.
lives() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null && [ "$(began_at "$1")" = "$2" ]; }

# In ticks since the machine began.
began_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
