#!/usr/bin/env bash
# A real MySQL without a container: Debian's own, out of unstable, in a folder of its own with the libraries that it wants. As root, half a minute and 560 MB:
#   test/targets/get-mysql.sh /var/tmp/mayfly-mysql && export MAYFLY_MYSQL=/var/tmp/mayfly-mysql
set -euo pipefail
folder=${1:?say in which folder}
[ -x "$folder/usr/sbin/mysqld" ] && exit 0
[ -e "$folder" ] && { echo "$folder is there already, without a MySQL: name another folder" >&2; exit 1; }
command -v debootstrap >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends debootstrap >/dev/null; }
rm -rf "$folder.new"
debootstrap --variant=minbase --include=mysql-server-core sid "$folder.new" >"$folder.log" 2>&1 || { tail -n 3 "$folder.log"; exit 1; }
mv "$folder.new" "$folder"
# Whoever runs the server reads it too.
chmod 755 "$folder"
