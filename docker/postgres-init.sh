#!/bin/bash
# Runs once, on an empty database: an account for Mayfly that is no superuser, a group with rights, a table to look at.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --username postgres --dbname app -v password="$MAYFLY_DB_PASSWORD" <<'SQL'
create role mayfly login createrole password :'password';
grant pg_signal_backend, pg_read_all_stats to mayfly;

create table greeting (text text);
insert into greeting values ('hello from the app database');
create role app_ro;
grant usage on schema public to app_ro;
grant select on all tables in schema public to app_ro;
grant app_ro to mayfly with admin true, inherit false, set false;
SQL
