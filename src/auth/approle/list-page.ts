import { page, pageFields } from '../../broker/door/page.ts'
import type { MountReader } from '../../contracts/index.ts'

export { pageFields }

interface PageAsked {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/** One page of keys below a prefix, read in the store's own pages. */
export async function listPage(storage: MountReader, prefix: string, asked: PageAsked): Promise<{ readonly keys: readonly string[] }> {
  const { after: start, limit } = page(asked)
  const keys: string[] = []
  for (let after = start; keys.length < limit;) {
    const more = await storage.list(prefix, { after, limit: limit - keys.length })
    if (more.length === 0) break
    keys.push(...more)
    after = more.at(-1)!
  }
  return { keys }
}
