#!/bin/sh
# For PAM, at the beginning of each session of sshd (session optional pam_exec.so): notes as root which certificate it is of, and the process of sshd that it hangs on.
# Every login waits for it, so it asks nobody, writes one small file, and never says no.
set -u
# Whatever PAM was told of it before.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
state=/var/lib/mayfly-host
# While nobody takes them away: the helper does not run.
notes_max=20000

[ "${PAM_TYPE:-}" = open_session ] || exit 0
# What sshd tells of how somebody was let in, since OpenSSH 7.6: a line for each way, with the whole certificate.
case ${SSH_AUTH_INFO_0:-} in *-cert-v01@openssh.com\ *) ;; *) exit 0 ;; esac
set -- "$state/pam"/[0-9]*
[ $# -lt "$notes_max" ] || exit 0

# The number alone may be another process's one day.
began=$(sed 's/.*) //' "/proc/$PPID/stat" | cut -d ' ' -f 20)
account=$(printf '%s' "${PAM_USER:-}" | tr -c 'A-Za-z0-9._@-' _)
from=$(printf '%s' "${PAM_RHOST:-}" | sed 's/%.*//' | tr -cd 'A-Za-z0-9.:-')
umask 077
{
  printf '%s %s %s %s %s\n' "$(date +%s)" "$PPID" "$began" "${account:-_}" "${from:--}"
  printf '%s\n' "$SSH_AUTH_INFO_0"
} >"$state/pam/.$PPID" && mv -f "$state/pam/.$PPID" "$state/pam/$PPID.$began"
exit 0
