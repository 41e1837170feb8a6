import { unhandled } from 'mayfly/plugin'
import type { OwnedObjects } from 'mayfly/plugin'
import type { RightsSeen } from './rights-seen.ts'
import { plainName } from './plain-name.ts'

// Measured on one table, 15 and 18: the next grant is refused with 54000, and nobody gets a credential any more.
const directGrantsMax = 2_440

/** Beyond what a lease should give, and why. */
const attributes: Readonly<Record<string, string>> = {
  SUPERUSER: 'SUPERUSER: nothing limits it, and nothing of what it does is ended with it',
  CREATEROLE: 'CREATEROLE: it may make roles, and they stay when it ends',
  CREATEDB: 'CREATEDB: it may make databases, and what it owns keeps it from being dropped',
  REPLICATION: 'REPLICATION: it may read everything that the server writes',
  BYPASSRLS: 'BYPASSRLS: row policies do not hold for it'
}

const powers = new Set([
  'pg_execute_server_program',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_signal_backend',
  'pg_maintain',
  'pg_create_subscription',
  'rds_superuser',
  'cloudsqlsuperuser',
  'azure_pg_admin'
])

/** What would be wrong in production. */
export function rightsConcerns(seen: RightsSeen, owned: OwnedObjects = { policy: 'keep' }): readonly string[] {
  return [
    ...seen.attributes.map(one => attributes[one] ?? one),
    ...seen.groups.filter(({ name }) => powers.has(name)).map(({ name }) => `member of ${name}: more power than a lease should give`),
    ...seen.becomes.map(one => `it may become ${plainName(one.name)} (${one.attributes.join(', ')}): more power than a lease should give`),
    ...seen.groups
      .filter(({ admin }) => admin)
      .map(({ name }) => `ADMIN on ${plainName(name)}: it may hand that group to others, who keep it when it ends`),
    ...directGrants(seen),
    ...ownership(seen, owned),
    ...seen.unreached.map(schema => `rights on objects in the schema ${plainName(schema)} without USAGE on it: it does not reach them`),
    ...lacking(seen)
  ]
}

function directGrants({ directCount, fullest }: RightsSeen): readonly string[] {
  if (directCount === 0) return []
  const soFar = fullest === null ? '' : ` (the fullest has ${fullest} entries now)`
  return [
    `${directCount === 1 ? 'rights on one object are' : `rights on ${directCount} objects are`} granted to the user itself: that ends at about ${directGrantsMax} users of one table${soFar}, and concurrent grants fail: grant them to a group, and the group to the user`
  ]
}

function ownership({ ownedCount, schemas, database }: RightsSeen, { policy }: OwnedObjects): readonly string[] {
  switch (policy) {
    case 'drop':
    case 'reassign':
      return []
    case 'keep': {
      const makers = schemas.filter(({ may }) => may.includes('CREATE')).map(({ name }) => `the schema ${plainName(name)}`)
      if (database.may.includes('CREATE')) makers.push(`the database ${plainName(database.name)}`)
      return [
        ...(ownedCount > 0
          ? [
              `it owns ${ownedCount === 1 ? 'an object' : `${ownedCount} objects`} from its start, and with that cannot be dropped: set owned_objects`
            ]
          : []),
        ...(makers.length > 0
          ? [
              `it may make objects in ${makers.slice(0, 5).join(', ')}: what it owns keeps it from being dropped, unless owned_objects says what becomes of it`
            ]
          : [])
      ]
    }
    default:
      return unhandled(policy)
  }
}

function lacking({ database, relationCount, attributes }: RightsSeen): readonly string[] {
  const name = plainName(database.name)
  if (!database.may.includes('CONNECT')) return [`no CONNECT on the database ${name}: it cannot use it`]
  if (relationCount === 0 && attributes.length === 0) return [`no right on any table, view or sequence of the database ${name}`]
  return []
}
