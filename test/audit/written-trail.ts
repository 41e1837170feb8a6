import { createHmac, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { chain, chainStart } from '../../src/audit/chain.ts'
import type { ChainHead } from '../../src/audit/chain.ts'
import { checkpointEntry, checkpointKeyId, signCheckpoint } from '../../src/audit/checkpoint.ts'
import { describeRequest, requestEntry } from '../../src/audit/entry.ts'
import { headerLine } from '../../src/audit/header.ts'
import { verifyTrail } from '../../src/audit/verify.ts'
import type { VerifyOptions } from '../../src/audit/verify.ts'
import type { Verdict } from '../../src/audit/verdict.ts'

export const time = '2026-11-25T10:00:00.123Z'
export const { privateKey, publicKey } = generateKeyPairSync('ed25519')

export const hash = (value: string): string =>
  `hmac-sha256:${createHmac('sha256', 'a key that is not kept beside the trail').update(value).digest('hex')}`

/** The body of a small request's entry. */
export function body(number: number): string {
  const data = { ttl: number, note: `note ${number}` }
  return requestEntry(
    time,
    describeRequest(
      { id: `id-${number}`, operation: 'read', path: 'database/creds/readonly', data, remoteAddress: '127.0.0.1', remotePort: 4_000 },
      hash
    )
  )
}

/** A node that writes its trail: entries, and a checkpoint of what was there before. */
export class Writer {
  readonly node: string
  head: ChainHead = chainStart
  readonly #key: KeyObject

  constructor(node: string, key: KeyObject = privateKey) {
    this.node = node
    this.#key = key
  }

  entry(text = body(this.head.seq + 1)): string {
    const { line, ...head } = chain(this.node, this.head, text)
    this.head = head
    return line
  }

  entries(count: number): readonly string[] {
    return Array.from({ length: count }, () => this.entry())
  }

  checkpoint(of: ChainHead = this.head): string {
    const checkpoint = { node: this.node, seq: of.seq, hash: of.hash, time }
    return this.entry(checkpointEntry(checkpoint, keyId, signCheckpoint(checkpoint, this.#key)))
  }

  /** As a file begins. */
  header(): string {
    return headerLine({ node: this.node, firstSeq: this.head.seq + 1, previousHash: this.head.hash, checkpointKey: keyId })
  }

  /** A file of `count` entries with a checkpoint after every `every`. */
  file(count: number, every: number): readonly string[] {
    const lines = [this.header()]
    for (let at = 1; at <= count; at++) {
      lines.push(this.entry())
      if (at % every === 0) lines.push(this.checkpoint())
    }
    return lines
  }
}

export const keyId = checkpointKeyId(publicKey)

/** Verifies lines, each ended by its line feed. */
export function verifyLines(lines: readonly string[], options: VerifyOptions = { publicKey }): Promise<Verdict> {
  return verifyText(lines.map(line => `${line}\n`).join(''), options)
}

export function verifyText(text: string, options: VerifyOptions = { publicKey }): Promise<Verdict> {
  return verifyTrail(linesOf(text), options)
}

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}
