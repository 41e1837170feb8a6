/** One statement and one JSON value, so that it goes into the transaction of a rehearsal as well as into a session of its own. Nothing in it writes, and nothing is looked for in a
 *  search path. Of the connection's database only: no other can be looked into from here. */
import { quoteLiteral } from '../server/quote.ts'

// Each is asked for eight privileges: 20,000 take a third of a second, and one on a busy machine (measured on 18).
const relationsMax = 20_000

const tableRights = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
const schemaRights = ['USAGE', 'CREATE']
const databaseRights = ['CONNECT', 'CREATE', 'TEMPORARY']

const attributes = {
  rolsuper: 'SUPERUSER',
  rolcreaterole: 'CREATEROLE',
  rolcreatedb: 'CREATEDB',
  rolreplication: 'REPLICATION',
  rolbypassrls: 'BYPASSRLS'
}

/** What a row of `pg_roles` is beyond a plain one, as an array. */
function powers(of: string): string {
  const each = Object.entries(attributes).map(([column, name]) => `case when ${of}.${column} then '${name}' end`)
  return `pg_catalog.array_remove(array[${each.join(', ')}], null)`
}

/** The rights that a function says yes to, as an array. */
function held(ask: string, object: string, rights: readonly string[]): string {
  const each = rights.map(right => `case when pg_catalog.${ask}(u.oid, ${object}, '${right}') then '${right}' end`)
  return `pg_catalog.array_remove(array[${each.join(', ')}], null)`
}

/** `version`: since 16 a member of a role may not become it unless its grant says so. */
export function rightsQuery(name: string, version: number): string {
  const may = version >= 16 ? 'set' : 'member'
  return `with recursive u as (select * from pg_catalog.pg_roles where rolname = ${quoteLiteral(name)}),
  groups as (
    select m.roleid, m.admin_option from pg_catalog.pg_auth_members m, u where m.member = u.oid
    union select m.roleid, m.admin_option from pg_catalog.pg_auth_members m join groups g on m.member = g.roleid),
  schemas as (
    select n.oid, n.nspname::text as name, ${held('has_schema_privilege', 'n.oid', schemaRights)} as may from pg_catalog.pg_namespace n, u
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'),
  looked as (
    select c.oid, c.relname::text as name, c.relkind as kind, c.relnamespace from pg_catalog.pg_class c
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relnamespace in (select oid from schemas) order by c.oid limit ${relationsMax}),
  relations as (
    select s.name as schema, l.name, l.kind, 'USAGE' = any(s.may) as reached,
      case when l.kind = 'S' then ${held('has_sequence_privilege', 'l.oid', ['USAGE', 'SELECT', 'UPDATE'])}
        else ${held('has_table_privilege', 'l.oid', tableRights)} end as may,
      l.kind <> 'S' and pg_catalog.has_any_column_privilege(u.oid, l.oid, 'SELECT, INSERT, UPDATE, REFERENCES') as columns
    from looked l join schemas s on s.oid = l.relnamespace, u),
  direct as (select s.dbid, s.classid, s.objid, s.deptype from pg_catalog.pg_shdepend s, u
    where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.refobjid = u.oid)
select pg_catalog.json_build_object(
  'attributes', ${powers('u')},
  'groups', (select pg_catalog.json_agg(pg_catalog.json_build_object('name', r.rolname, 'admin', g.admin) order by r.rolname)
    from (select roleid, pg_catalog.bool_or(admin_option) as admin from groups group by roleid limit 1000) g join pg_catalog.pg_roles r on r.oid = g.roleid),
  'becomes', (select pg_catalog.json_agg(pg_catalog.json_build_object('name', b.name, 'attributes', b.has) order by b.name)
    from (select r.rolname as name, ${powers('r')} as has from pg_catalog.pg_roles r
      where ${powers('r')} <> '{}' and not u.rolsuper and r.oid <> u.oid and pg_catalog.pg_has_role(u.oid, r.oid, '${may}') limit 20) b),
  'database', (select pg_catalog.json_build_object('name', d.datname, 'may', ${held('has_database_privilege', 'd.oid', databaseRights)})
    from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()),
  'schemas', (select pg_catalog.json_agg(pg_catalog.json_build_object('name', name, 'may', may) order by name) from (select * from schemas where may <> '{}' limit 1000) s),
  'relations', (select pg_catalog.json_agg(pg_catalog.json_build_object('schema', schema, 'name', name, 'kind', kind, 'may', may, 'columns', columns)
    order by schema, name) from (select * from relations where reached and (may <> '{}' or columns) order by schema, name limit 1000) r),
  'relationCount', (select pg_catalog.count(*) from relations where reached and (may <> '{}' or columns)),
  'unreached', (select pg_catalog.json_agg(schema) from (select distinct schema from relations where not reached and may <> '{}' order by 1 limit 5) r),
  'more', (select pg_catalog.count(*) >= ${relationsMax} from looked),
  'directCount', (select pg_catalog.count(*) from direct where deptype = 'a'),
  'fullest', (select pg_catalog.max(pg_catalog.cardinality(c.relacl)) from direct d join pg_catalog.pg_class c on c.oid = d.objid
    where d.deptype = 'a' and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())),
  'ownedCount', (select pg_catalog.count(*) from direct where deptype = 'o')
) as rights from u`
}
