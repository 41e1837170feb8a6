import { BrokerError } from 'mayfly/plugin'
import type { EffectiveRights, ObjectRights, RightsAsked } from 'mayfly/plugin'
import { targetError } from '../server/errors.ts'
import { plainName } from './plain-name.ts'
import { rightsConcerns } from './rights-concerns.ts'
import { rightsQuery } from './rights-query.ts'
import { rightsSeen } from './rights-seen.ts'
import type { RightsSeen } from './rights-seen.ts'
import type { Server } from '../server/server.ts'
import type { Result } from '../server/session.ts'

export async function effectiveRights(server: Server, asked: RightsAsked, signal: AbortSignal): Promise<EffectiveRights> {
  try {
    return await server.pool.use('issue', signal, async session =>
      toRights(await session.run(rightsQuery(asked.name, session.version), signal), asked)
    )
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

/** Of whatever was answered to a message with a `rightsQuery` in it. */
export function toRights(results: readonly Result[], { owned, objectsMax }: RightsAsked): EffectiveRights {
  const row = results.flatMap(({ rows }) => rows).find(one => Object.hasOwn(one, 'rights'))
  if (!row) throw new BrokerError('target_refused', 'the server has no user of that name')
  const read = rightsSeen.safeParse(row['rights'])
  if (!read.success) throw new BrokerError('target_refused', 'the server does not tell the rights of a user as PostgreSQL does')
  const seen = read.data
  const objects = objectsOf(seen)
  return {
    attributes: seen.attributes,
    memberOf: seen.groups.map(({ name }) => plainName(name)),
    objects: objects.slice(0, objectsMax),
    more: Math.max(0, objects.length - objectsMax) + seen.relationCount - seen.relations.length,
    concerns: [...rightsConcerns(seen, owned), ...(seen.more ? ['the database has more tables than were looked at'] : [])]
  }
}

const kinds: Readonly<Record<string, string>> = { v: 'view', m: 'view', S: 'sequence' }

function objectsOf({ database, schemas, relations }: RightsSeen): readonly ObjectRights[] {
  return [
    { on: `database ${plainName(database.name)}`, may: database.may },
    ...schemas.map(({ name, may }) => ({ on: `schema ${plainName(name)}`, may })),
    ...relations.map(({ schema, name, kind, may, columns }) => ({
      on: `${kinds[kind] ?? 'table'} ${plainName(schema)}.${plainName(name)}`,
      may: may.length === 0 && columns ? ['some columns'] : may
    }))
  ]
}
