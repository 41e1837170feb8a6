import { BrokerError, field } from 'mayfly/plugin'
import type { Answer, MountReader } from 'mayfly/plugin'

// What one page may hold, whatever a caller asks for.
const pageSizeMax = 1_000

/** The fields of every LIST. */
export const pageFields = { after: field.text(), limit: field.integer() }

interface Page {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/** LIST of the keys below `prefix`. A caller that names no limit, or -1, gets all, as clients that know no pages expect. */
export async function listKeys(storage: MountReader, prefix: string, page: Page): Promise<Answer> {
  if (page.limit !== undefined && page.limit !== -1)
    return { keys: await keysAfter(storage, prefix, page.after ?? '', bounded(page.limit)) }
  return { keys: await allKeys(storage, prefix, page.after) }
}

export async function allKeys(storage: MountReader, prefix: string, after = ''): Promise<readonly string[]> {
  const keys: string[] = []
  // Until a page is empty: the store may have a smaller limit of its own.
  for (let page = await keysAfter(storage, prefix, after, pageSizeMax); page.length > 0;) {
    keys.push(...page)
    page = await keysAfter(storage, prefix, page.at(-1)!, pageSizeMax)
  }
  return keys
}

function keysAfter(storage: MountReader, prefix: string, after: string, limit: number): Promise<readonly string[]> {
  return storage.list(prefix, after === '' ? { limit } : { after, limit })
}

function bounded(limit: number): number {
  if (limit < 1) throw new BrokerError('invalid_request', 'limit: expected a number above 0')
  return Math.min(limit, pageSizeMax)
}
