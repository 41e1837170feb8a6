/** The sessions of a role that are to be cut, as rows, and what of them AWS knows:
 *
 *    cuts/<role>/<until>.n.<end of the name>   one session
 *    cuts/<role>/<until>.t.<moment>            every session that was issued before
 *    cuts-published/<role>                     what the policy of the role says now, and since when
 *
 *  Many revocations write rows of their own at the same time, none in another's way; one task a role publishes them (publish-cuts.ts). */
import { createHash } from 'node:crypto'
import type { MountReader } from 'mayfly/plugin'
import type { Cut } from './cut-policy.ts'

/** What one policy may have to hold is far below; more of them wait for their own end. */
const cutsMax = 20_000
const pageSizeMax = 1_000

export const roleDigest = (roleArn: string): string => createHash('sha256').update(roleArn).digest('hex').slice(0, 24)

export const publishedKey = (digest: string): string => `cuts-published/${digest}`
const cutsPrefix = (digest: string): string => `cuts/${digest}/`

export function cutKey(digest: string, { part, until, before }: Cut): string {
  // Of one width, so that they lie in the order of their ends.
  const end = String(until.epochMilliseconds).padStart(15, '0')
  return `${cutsPrefix(digest)}${end}.${before ? `t.${before.epochMilliseconds}` : `n.${part}`}`
}

/** In the order of their ends. */
export async function readCuts(storage: MountReader, digest: string): Promise<readonly Cut[]> {
  const cuts: Cut[] = []
  for (let after = ''; cuts.length < cutsMax;) {
    const page = await storage.list(cutsPrefix(digest), after === '' ? { limit: pageSizeMax } : { after, limit: pageSizeMax })
    if (page.length === 0) break
    cuts.push(...page.map(toCut))
    after = page.at(-1)!
  }
  return cuts
}

function toCut(key: string): Cut {
  const [end = '', how = '', rest = ''] = key.split('.')
  const until = Temporal.Instant.fromEpochMilliseconds(Number(end))
  return how === 't' ? { part: rest, until, before: Temporal.Instant.fromEpochMilliseconds(Number(rest)) } : { part: rest, until }
}

export type Published = {
  /** When the policy first held the name, or the moment of a cut by time. */
  readonly since: Readonly<Record<string, string>>
  /** Those that would live longest are cut first: there was no room for others that end until then. */
  readonly leftOutUntil: string | null
}

export async function readPublished(
  storage: MountReader,
  digest: string
): Promise<{ readonly published: Published; readonly row: number }> {
  const stored = await storage.get(publishedKey(digest))
  return stored
    ? { published: stored.value as unknown as Published, row: stored.version }
    : { published: { since: {}, leftOutUntil: null }, row: 0 }
}
