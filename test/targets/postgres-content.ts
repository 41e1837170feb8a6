import { Client } from 'pg'
import type { ClientConfig } from 'pg'

/** What databases of tests are copied from. Nobody stays connected to it, or copying fails. */
export const templateDatabase = 'app_template'

/** What an administrator prepares: the account of the broker, groups to hand out, a role that owns objects, and a database with tables. */
const roles = (user: string, password: string) => [
  // No password of ours stands in the server's log, whatever it logs.
  "set log_statement = 'none'",
  "set log_min_error_statement = 'panic'",
  `create role "${user}" login createrole password '${password}'`,
  `grant pg_signal_backend, pg_read_all_stats to "${user}"`,
  'create role app_ro nologin',
  'create role app_rw nologin',
  'create role app_owner nologin',
  `grant app_ro, app_rw to "${user}" with admin true, inherit false, set false`,
  `grant app_owner to "${user}" with inherit true, set false`,
  `create database ${templateDatabase} owner app_owner`
]

const tables = [
  'set role app_owner',
  'create table customers (id bigint primary key generated always as identity, name text not null)',
  'create table orders (id bigint primary key generated always as identity, customer bigint not null references customers, cents bigint not null)',
  "insert into customers (name) values ('Ada'), ('Grace'), ('Edsger')",
  'insert into orders (customer, cents) values (1, 1999), (1, 250), (2, 100000)',
  'grant select on customers, orders to app_ro',
  'grant select, insert, update, delete on customers, orders to app_rw'
]

export async function fillPostgres(superuser: ClientConfig, admin: { readonly user: string; readonly password: string }): Promise<void> {
  await run({ ...superuser, database: 'postgres' }, roles(admin.user, admin.password))
  await run({ ...superuser, database: templateDatabase }, tables)
  await run({ ...superuser, database: 'postgres' }, [`create database app template ${templateDatabase} owner app_owner`])
}

async function run(config: ClientConfig, statements: readonly string[]): Promise<void> {
  const client = new Client(config)
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
