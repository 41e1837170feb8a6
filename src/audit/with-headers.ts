import { unchain } from './chain.ts'
import type { ChainHead } from './chain.ts'

/** A line that went out, and whose it was. */
export type NodeHead = ChainHead & { readonly node: string }

/** A header stands before each line that does not follow the one before it: where something was left out, and where another node goes on. A store that was found elsewhere than
 *  it was goes on as a node of its own. */
export async function withHeaders(
  last: NodeHead | undefined,
  lines: readonly string[],
  header: (first: NodeHead, before: NodeHead | undefined) => Promise<string>
): Promise<readonly string[]> {
  const all: string[] = []
  let before = last
  for (const line of lines) {
    const parts = unchain(line)
    if (!parts) throw new Error('not a line of the trail')
    if (before?.node !== parts.node || before.seq !== parts.seq - 1) all.push(await header(parts, before))
    all.push(line)
    before = { node: parts.node, seq: parts.seq, hash: parts.hash }
  }
  return all
}
