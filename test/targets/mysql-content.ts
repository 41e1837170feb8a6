import type { Connection } from 'mysql2/promise'

export interface MysqlAccount {
  readonly user: string
  readonly password: string
}

/** What an administrator prepares: the account of the broker with exactly the rights that plugins/mysql/README.md names, roles to hand out, the schema of the expiries, and tables. */
export async function fillMysql(superuser: Connection, admin: MysqlAccount, flavour: 'mariadb' | 'mysql'): Promise<void> {
  for (const statement of [...statements(admin), ...(flavour === 'mariadb' ? onMariadb(admin.user) : onMysql(admin.user))])
    await superuser.query(statement)
}

const statements = ({ user, password }: MysqlAccount): readonly string[] => [
  'set sql_log_off = 1',
  'create database app',
  'create database mayfly',
  'create table app.customers (id bigint primary key auto_increment, name varchar(100) not null)',
  'create table app.orders (id bigint primary key auto_increment, customer bigint not null, cents bigint not null)',
  "insert into app.customers (name) values ('Ada'), ('Grace'), ('Edsger')",
  'insert into app.orders (customer, cents) values (1, 1999), (1, 250), (2, 100000)',
  'create role app_ro',
  'create role app_rw',
  'grant select on app.* to app_ro',
  'grant select, insert, update, delete on app.* to app_rw',
  `create user '${user}'@'%' identified by '${password}'`,
  `grant create user, process on *.* to '${user}'@'%'`,
  `grant event on mayfly.* to '${user}'@'%'`,
  `grant app_ro to '${user}'@'%' with admin option`,
  `grant app_rw to '${user}'@'%' with admin option`
]

const onMariadb = (user: string): readonly string[] => [
  `grant connection admin on *.* to '${user}'@'%'`,
  `grant select, update on mysql.* to '${user}'@'%'`
]

const onMysql = (user: string): readonly string[] => [
  `grant connection_admin, role_admin on *.* to '${user}'@'%'`,
  `grant select on mysql.user to '${user}'@'%'`,
  `grant select on performance_schema.* to '${user}'@'%'`
]
