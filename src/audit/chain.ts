/** The hash chain of the audit trail: pure, shared by the committer that appends and by the offline verifier.
 *
 *  A line is its body (one JSON object, written by the trail) with three fields put in front:
 *  `{"seq":12,"node":"…","hash":"<64 hex digits>",` + the body without its brace. The hash is SHA-256 over the previous hash, the node and sequence number, and
 *  the body: removing, editing or reordering a line breaks every hash after it. */
import { createHash } from 'node:crypto'

export interface ChainHead {
  readonly seq: number
  /** Hex. */
  readonly hash: string
}

/** What a node's first line follows. */
export const chainStart: ChainHead = { seq: 0, hash: '0'.repeat(64) }

export interface ChainedLine extends ChainHead {
  readonly line: string
}

/** `body` is a JSON object with at least one field. */
export function chain(node: string, head: ChainHead, body: string): ChainedLine {
  const seq = head.seq + 1
  const hash = linkHash(node, head.hash, seq, body)
  return { seq, hash, line: `{"seq":${seq},"node":"${node}","hash":"${hash}",${body.slice(1)}` }
}

export function linkHash(node: string, previousHash: string, seq: number, body: string): string {
  return createHash('sha256').update(`${previousHash}\n${node}\n${seq}\n${body}`).digest('hex')
}

// One way to write each number: a leading zero would be an edit that the hash does not see.
const front = /^\{"seq":([1-9]\d{0,14}),"node":"([A-Za-z0-9_.-]{1,64})","hash":"([0-9a-f]{64})",/

/** The parts of a line, or `undefined` when it is none. */
export function unchain(line: string): { seq: number; node: string; hash: string; body: string } | undefined {
  const match = front.exec(line)
  if (!match) return undefined
  return { seq: Number(match[1]), node: match[2]!, hash: match[3]!, body: `{${line.slice(match[0].length)}` }
}
