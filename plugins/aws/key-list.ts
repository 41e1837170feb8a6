import { BrokerError, field } from 'mayfly/plugin'
import type { Answer, MountReader } from 'mayfly/plugin'

// What one page of the store may hold.
const pageSizeMax = 1_000

/** The fields of every LIST. */
export const pageFields = { after: field.text(), limit: field.integer() }

/** LIST of the keys below `prefix`. A caller that names no limit, or -1, gets all, as clients that know no pages expect. */
export async function listKeys(
  storage: MountReader,
  prefix: string,
  { after = '', limit = -1 }: { readonly after?: string | undefined; readonly limit?: number | undefined }
): Promise<Answer> {
  if (limit < -1 || limit === 0) throw new BrokerError('invalid_request', 'limit: expected a number above 0')
  const wanted = limit === -1 ? Infinity : limit
  const keys: string[] = []
  for (let from = after; keys.length < wanted;) {
    const page = await storage.list(prefix, { limit: Math.min(pageSizeMax, wanted - keys.length), ...(from !== '' && { after: from }) })
    if (page.length === 0) break
    keys.push(...page)
    from = page.at(-1)!
  }
  return { keys }
}
