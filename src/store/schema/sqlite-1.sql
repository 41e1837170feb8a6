-- Schema 1. Moments are milliseconds since 1970; flags are 0 and 1; lists and maps are JSON. What the core calls sealed lies in blobs.
-- Conditions (fences, claims, versions) stand in the statements, not here; what is here can be rebuilt from nothing else.

-- One row per node. The epoch is raised at each start; every write names the epoch that it was made under. Also the end of the node's audit chain.
create table node (
  id text not null primary key,
  epoch integer not null unique,
  audit_seq integer not null,
  audit_hash text not null,
  time_mark integer not null
) strict, without rowid;

-- Where this store lives, as `sqlite/folder/whereabouts.ts` tells it, and what an operator has decided since. `held_cause`: it only reads until it is resumed; `resuming`: how,
-- once that has begun. `instance`: of a copy that was resumed, in the place of the seal's. No row: a store that was never opened from a folder.
create table whereabouts (
  one integer not null primary key check (one = 1),
  beat integer not null,
  database_file text not null,
  heartbeat_file text not null,
  held_cause text,
  held_at integer,
  resuming text,
  instance text
) strict;

create table counter (
  name text not null primary key,
  value integer not null
) strict, without rowid;

-- `key_floor`: a value sealed under a key with a lower id is not taken any more.
insert into counter (name, value) values ('generation', 1), ('entry_version', 0), ('key_floor', 0);

create table seal (
  one integer not null primary key check (one = 1),
  kind text not null,
  config text not null,
  root_key blob not null,
  keyring blob not null,
  instance text not null
) strict;

-- The pass under way that seals rows anew: below which key id, and how far it has come.
create table reseal (
  one integer not null primary key check (one = 1),
  below integer not null,
  stage text not null,
  cursor text not null,
  resealed integer not null,
  unreadable integer not null,
  begun_at integer not null
) strict;

-- `uses`: how often the row may still be used, where it counts them; in clear, so that one conditional statement takes one.
create table entry (
  space text not null,
  key text not null,
  version integer not null,
  value blob not null,
  uses integer not null default 0,
  primary key (space, key)
) strict, without rowid;

create table sequence (
  space text not null,
  name text not null,
  next integer not null,
  primary key (space, name)
) strict, without rowid;

-- A new schedule takes a new version, also after the task was gone in between: a run that began before never settles it.
create table task (
  version integer primary key autoincrement,
  mount text not null,
  task text not null,
  key text not null,
  due_at integer not null,
  failures integer not null default 0,
  last_error text,
  intent blob not null,
  unique (mount, task, key)
) strict;
create index task_due on task (due_at);

create table target (
  id text not null primary key,
  mount text not null,
  credential text not null,
  retired_at integer,
  failures integer not null default 0,
  retry_at integer,
  failing_since integer,
  last_error text
) strict, without rowid;
create index target_mount on target (mount);
create index target_failing on target (failing_since) where failing_since is not null;

-- Mounts at which nothing begins any more. Their ids are never used again.
create table mount_end (
  mount text not null primary key,
  dropped integer not null
) strict, without rowid;

-- `orphaned`: this token has ended and its children live on; its cascade unties them in batches.
-- `auth_mount`: the auth method that gave it at a login; with the method's mount it ends.
create table token (
  number integer primary key,
  hash text not null unique,
  accessor text not null,
  parent text,
  depth integer not null,
  path text not null,
  policies text not null,
  display_name text not null,
  meta text,
  entity text not null,
  uses integer not null,
  issued_at integer not null,
  creation_ttl integer not null,
  explicit_max_ttl integer not null,
  period integer not null,
  renewable integer not null,
  expires_at integer,
  last_renewal integer,
  bound_cidrs text not null,
  ended_at integer,
  ended_by text,
  orphaned integer not null default 0,
  auth_mount text
) strict;
create unique index token_accessor on token (accessor) where ended_at is null;
create index token_parent on token (parent) where parent is not null and ended_at is null;
create index token_expiry on token (expires_at) where expires_at is not null and ended_at is null;
create index token_auth_mount on token (auth_mount) where auth_mount is not null and ended_at is null;
create index token_history on token (ended_at) where ended_at is not null;

-- Replies that wait for their one opening. `reply` is sealed under a key that only the wrapping token gives, never under the keyring: no rotation touches it. `lease` and
-- `inner`: what the reply hands over for the first time; it ends in the commit that ends the wrapping token unopened.
create table wrapping (
  token text not null primary key,
  reply blob not null,
  lease text,
  inner text
) strict;

-- Frozen instructions, stored once by content. The count is apart so that counting does not rewrite them.
create table recipe (
  id text not null primary key,
  value blob not null
) strict, without rowid;
create table recipe_count (
  id text not null primary key,
  leases integer not null
) strict, without rowid;
create index recipe_unused on recipe_count (id) where leases = 0;

-- `ready_at`: when a sweeper may take it. A claimed lease is ready again when its claim is over.
-- `prior_state`, `prior_cause`: what it was before the first claim, given back when the target's clock says that it is not due.
-- `closed_at`: when it became revoked, by proof or by force.
-- `subject`: what the credential was made for. `outlives_until`: it may give access until then although it was revoked. `usage`: what the target told of its use.
create table lease (
  number integer primary key,
  id text not null unique,
  state text not null check (state in ('issuing', 'active', 'revoking', 'revoked')),
  version integer not null,
  mount text not null,
  path text not null,
  role text not null,
  role_version integer not null,
  credential text not null,
  target_id text not null,
  recipe text not null,
  name text not null unique,
  token text not null,
  accessor text not null,
  display_name text not null,
  entity text not null,
  remote_address text not null,
  request_id text not null,
  outlives_token integer not null,
  renewable integer not null,
  guarantees text not null,
  ttl integer not null,
  issued_at integer not null,
  expires_at integer not null,
  max_expires_at integer,
  create_by integer not null,
  last_renewal integer,
  due_at integer not null,
  epoch integer not null,
  activated integer not null,
  cause text,
  failures integer not null,
  last_error text,
  ended_at integer,
  revoked_at integer,
  forced_by text,
  handle blob not null,
  visible text not null,
  subject text,
  outlives_until integer,
  usage text,
  claim_epoch integer,
  claim_until integer,
  prior_state text,
  prior_cause text,
  closed_at integer,
  ready_at integer not null generated always as (max(due_at, ifnull(claim_until, 0))) virtual
) strict;
create index lease_live on lease (id) where state <> 'revoked';
create index lease_ready on lease (target_id, ready_at) where state <> 'revoked';
create index lease_token on lease (token) where state <> 'revoked';
create index lease_mount on lease (mount) where state <> 'revoked';
create index lease_issuing on lease (epoch) where state = 'issuing';
create index lease_claim on lease (claim_epoch) where claim_epoch is not null;
create index lease_stuck on lease (target_id) where state = 'revoking' and failures >= 6 and ended_at is null;
create index lease_subject on lease (subject) where subject is not null and state <> 'revoked';
create index lease_history on lease (closed_at) where state = 'revoked';

-- Nothing counts leases: these rows are kept by the very statements that change them.
create table lease_count (
  mount text not null,
  target_id text not null,
  state text not null,
  count integer not null,
  primary key (mount, target_id, state)
) strict, without rowid;
create index lease_count_target on lease_count (target_id);

create trigger lease_begins after insert on lease begin
  insert into lease_count (mount, target_id, state, count) values (new.mount, new.target_id, new.state, 1)
    on conflict do update set count = count + 1;
  insert into recipe_count (id, leases) values (new.recipe, 1)
    on conflict do update set leases = leases + 1;
end;
create trigger lease_changes after update of state on lease when old.state <> new.state begin
  update lease_count set count = count - 1 where mount = old.mount and target_id = old.target_id and state = old.state;
  insert into lease_count (mount, target_id, state, count) values (new.mount, new.target_id, new.state, 1)
    on conflict do update set count = count + 1;
end;
create trigger lease_goes after delete on lease begin
  update lease_count set count = count - 1 where mount = old.mount and target_id = old.target_id and state = old.state;
  update recipe_count set leases = leases - 1 where id = old.recipe;
end;

-- Open cascades only: one that has reached everything is deleted. Ids are never used again.
create table cascade (
  id integer primary key autoincrement,
  kind text not null,
  selector text not null,
  cause text not null,
  cursor text not null default '',
  opened_by text not null
) strict;
create index cascade_selector on cascade (kind, selector);

-- A row holds the lines of one group commit, one under the other; `at` is the newest one's time.
create table audit (
  first_seq integer primary key,
  last_seq integer not null,
  at integer not null,
  lines text not null
) strict;

create table cursor (
  sink text not null primary key,
  seq integer not null
) strict, without rowid;
