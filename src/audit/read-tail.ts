/** What an audit file ends with. After a crash between writing and moving the cursor the same lines come again: the tail says which are there already. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { unchain } from './chain.ts'
import type { ChainHead } from './chain.ts'

export interface Tail {
  /** The node's last complete line. */
  readonly last: ChainHead | undefined
  /** The file ends in the middle of a line: the next one needs a line feed before it. */
  readonly torn: boolean
}

// A crash leaves at most one batch behind the last complete line; a line has a few kilobytes.
const backBytesMax = 16 * 2 ** 20
const stepBytes = 64 * 1_024

export async function readTail(path: string, size: number, node: string): Promise<Tail> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return await search(handle, size, node)
  } finally {
    await handle.close()
  }
}

async function search(handle: FileHandle, size: number, node: string): Promise<Tail> {
  let text = ''
  for (let from = size, step = stepBytes; from > 0 && text.length < backBytesMax; step *= 2) {
    const length = Math.min(step, from)
    from -= length
    text = (await readAt(handle, from, length)) + text
    const last = lastLine(text, from === 0, node)
    if (last) return { last, torn: !text.endsWith('\n') }
  }
  return { last: undefined, torn: size > 0 && !text.endsWith('\n') }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<string> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await handle.read(bytes, 0, length, position)
  return bytes.toString('latin1', 0, bytesRead)
}

/** The text may begin in the middle of a line, and ends in the middle of one when the file is torn. */
function lastLine(text: string, fromStart: boolean, node: string): ChainHead | undefined {
  const lines = text.split('\n')
  for (let at = lines.length - 2; at >= (fromStart ? 0 : 1); at--) {
    const parts = unchain(lines[at]!)
    if (parts && parts.node === node && isWhole(lines[at]!)) return { seq: parts.seq, hash: parts.hash }
  }
  return undefined
}

// A torn line that was closed by a line feed has the front of a whole one.
function isWhole(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
