/** The offline verifier: reads a trail line by line and names the first that is not as it was written.
 *
 *  - Each line must follow its node's line before: number and hash. Several nodes may share a file; each begins with a header.
 *  - A checkpoint must agree with the chain and, with the broker's public key, carry its signature. The chain alone can be written anew by anyone.
 *  - An unfinished line is a torn tail at the end of the file, and harmless where the whole line follows.
 *  - What was cut off at the end cannot be seen from the file: compare the head with one that was kept elsewhere (`anchors`). */
import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { chainStart, unchain } from './chain.ts'
import type { ChainHead } from './chain.ts'
import { checkpointKeyId, isCheckpoint, parseCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import { Fragments } from './fragments.ts'
import { looksLikeHeader, parseHeader } from './header.ts'
import { NodeTrail } from './node-trail.ts'
import type { Problem, Verdict, Why } from './verdict.ts'

export { openLines } from './open-lines.ts'
export { tellVerdict } from './verdict.ts'
export type { Verdict } from './verdict.ts'

export interface VerifyOptions {
  /** The broker's checkpoint key (as text, PEM), from the broker, never from the file. */
  readonly publicKey?: KeyObject | string
  /** Heads that were seen elsewhere: lines that must be there. */
  readonly anchors?: readonly (ChainHead & { readonly node: string })[]
}

/** Each line with its line feed, as `openLines` gives them; one without is taken as unfinished when it is the last. */
export async function verifyTrail(lines: AsyncIterable<string>, options: VerifyOptions = {}): Promise<Verdict> {
  const reading = new Reading(options)
  for await (const line of lines) {
    reading.take(line)
    if (reading.decided) break
  }
  return reading.end()
}

// How far ahead a line that is missing here is looked for, to tell a moved line from a removed one.
const lookAheadMax = 100_000

type Parts = NonNullable<ReturnType<typeof unchain>>

class Reading {
  readonly #options: VerifyOptions
  readonly #publicKey: KeyObject | undefined
  readonly #keyId: string | undefined
  readonly #nodes = new Map<string, NodeTrail>()
  readonly #fragments = new Fragments()
  #number = 0
  #lastIsWhole = true
  #repeated = 0
  #problem: Problem | undefined
  /** A gap: the line that should have come. */
  #missing: { readonly node: string; readonly seq: number } | undefined

  constructor(options: VerifyOptions) {
    const { publicKey } = options
    this.#options = options
    this.#publicKey = typeof publicKey === 'string' ? createPublicKey(publicKey) : publicKey
    this.#keyId = this.#publicKey && checkpointKeyId(this.#publicKey)
  }

  get decided(): boolean {
    return this.#problem !== undefined && (this.#missing === undefined || this.#number - this.#problem.line > lookAheadMax)
  }

  take(raw: string): void {
    this.#number++
    this.#lastIsWhole = raw.endsWith('\n')
    const line = this.#lastIsWhole ? raw.slice(0, -1) : raw
    if (this.#missing) this.#lookFor(this.#missing, line)
    else this.#problem = this.#judge(line)
  }

  end(): Verdict {
    const torn = !this.#lastIsWhole && this.#fragments.takeTail(this.#number) ? { line: this.#number } : undefined
    // A line that was cut short and never came again is worse than what it led to.
    const problem = this.#fragments.first ?? this.#problem ?? this.#unanchored()
    const nodes = [...this.#nodes.values()].map(({ verdict }) => verdict)
    return {
      ok: problem === undefined,
      ...(problem ? { problem } : {}),
      ...(torn ? { torn } : {}),
      lines: this.#number,
      checkpoints: nodes.reduce((sum, { checkpoints }) => sum + checkpoints, 0),
      mended: this.#fragments.mended,
      repeated: this.#repeated,
      nodes,
      key: this.#keyId
    }
  }

  #judge(line: string): Problem | undefined {
    const parts = unchain(line)
    if (parts) return this.#chained(line, parts)
    if (looksLikeHeader(line)) return this.#header(line)
    return this.#unfinishedOr(line, this.#bad('changed', 'not a line of the trail'))
  }

  #header(line: string): Problem | undefined {
    const header = parseHeader(line)
    if (!header) return this.#unfinishedOr(line, this.#bad('changed', 'a header that nobody wrote so'))
    this.#fragments.settle(line, undefined)
    const { node, firstSeq, previousHash, checkpointKey } = header
    if (this.#keyId && checkpointKey && checkpointKey !== this.#keyId)
      return this.#bad('wrong key', `the header names the key ${checkpointKey}, the key that was given is ${this.#keyId}`, node)
    const trail = this.#nodes.get(node) ?? new NodeTrail(header)
    this.#nodes.set(node, trail)
    if (firstSeq > trail.nextSeq) return this.#gap(trail, firstSeq)
    const before = firstSeq === 1 ? chainStart.hash : trail.hashAt(firstSeq - 1)
    if (previousHash && before && previousHash !== before)
      return this.#bad('changed', 'the header does not name the hash of the line before', node, firstSeq)
    if (firstSeq < trail.nextSeq && !trail.goBack(firstSeq))
      return this.#bad('duplicated', `the header goes back to line ${firstSeq} of its node`, node, firstSeq)
    return undefined
  }

  #chained(line: string, parts: Parts): Problem | undefined {
    const { node, seq, hash, body } = parts
    const trail = this.#nodes.get(node)
    if (!trail) return this.#bad('missing', `no header before this line begins the trail of node ${node}`, node, seq)
    if (seq === trail.nextSeq && trail.follows(hash, body)) return this.#fragments.settle(line, node) ?? this.#append(trail, parts)
    if (trail.takeAgain(seq, hash, body)) {
      this.#repeated++
      // What was cut short may be one of the lines that are still to come again.
      return this.#fragments.settle(line, undefined)
    }
    return this.#unfinishedOr(line, this.#wrongPlace(trail, parts))
  }

  #append(trail: NodeTrail, { seq, hash, body }: Parts): Problem | undefined {
    const problem = isCheckpoint(body) ? this.#checkpoint(trail, seq, body) : undefined
    if (!problem) trail.append(hash)
    return problem
  }

  #checkpoint(trail: NodeTrail, seq: number, body: string): Problem | undefined {
    const checkpoint = parseCheckpoint(trail.node, body)
    if (!checkpoint) return this.#bad('bad signature', 'a checkpoint that cannot be read', trail.node, seq)
    const publicKey = this.#publicKey
    if (publicKey && checkpoint.key !== this.#keyId)
      return this.#bad('wrong key', `the checkpoint is signed by the key ${checkpoint.key}`, trail.node, seq)
    if (publicKey && !verifyCheckpoint(checkpoint, checkpoint.signature, publicKey))
      return this.#bad('bad signature', 'the signature of this checkpoint does not hold', trail.node, seq)
    if (checkpoint.seq >= seq)
      return this.#bad('changed', `the checkpoint signs line ${checkpoint.seq}, which comes after it`, trail.node, seq)
    const known = trail.hashAt(checkpoint.seq)
    if (known !== undefined && known !== checkpoint.hash)
      return this.#bad(
        'changed',
        `written anew: between line ${trail.signedTo} and ${checkpoint.seq} of its node the trail is not what this checkpoint signed`,
        trail.node,
        seq
      )
    trail.checkpoints++
    if (publicKey && known !== undefined) trail.signedTo = Math.max(trail.signedTo, checkpoint.seq)
    return undefined
  }

  /** Why a line cannot stand here. */
  #wrongPlace(trail: NodeTrail, { node, seq, hash, body }: Parts): Problem {
    if (seq === trail.nextSeq) return this.#bad('changed', 'the line is not what its hash says', node, seq)
    if (trail.follows(hash, body))
      return this.#bad('changed', `the number of the line is ${seq}, and should be ${trail.nextSeq}`, node, seq)
    if (seq > trail.nextSeq) return this.#gap(trail, seq)
    if (trail.hashAt(seq) === hash) return this.#bad('duplicated', `line ${seq} of its node comes again`, node, seq)
    return this.#bad('changed', `line ${seq} of its node comes again with another hash`, node, seq)
  }

  #gap(trail: NodeTrail, seq: number): Problem {
    const { node, nextSeq } = trail
    this.#missing = { node, seq: nextSeq }
    const range = seq - nextSeq === 1 ? `line ${nextSeq}` : `lines ${nextSeq} to ${seq - 1}`
    return this.#bad('missing', `${range} of node ${node} should come before`, node, seq)
  }

  #lookFor({ node, seq }: { readonly node: string; readonly seq: number }, line: string): void {
    const parts = unchain(line)
    if (parts?.node !== node || parts.seq !== seq || !this.#nodes.get(node)?.follows(parts.hash, parts.body)) return
    this.#problem = {
      ...this.#problem!,
      why: 'reordered',
      detail: `line ${seq} of node ${node} comes only in line ${this.#number} of the file`
    }
    this.#missing = undefined
  }

  #unfinishedOr(line: string, problem: Problem): Problem | undefined {
    return this.#fragments.add(line, problem) ? undefined : problem
  }

  #unanchored(): Problem | undefined {
    for (const { node, seq, hash } of this.#options.anchors ?? []) {
      const trail = this.#nodes.get(node)
      if (!trail || trail.nextSeq <= seq)
        return { line: this.#number + 1, why: 'missing', detail: `node ${node} had written line ${seq}`, node, seq }
      const known = trail.hashAt(seq)
      if (known !== undefined && known !== hash)
        return { line: this.#number + 1, why: 'changed', detail: `line ${seq} of node ${node} had another hash`, node, seq }
    }
    return undefined
  }

  #bad(why: Why, detail: string, node?: string, seq?: number): Problem {
    return { line: this.#number, why, detail, ...(node === undefined ? {} : { node }), ...(seq === undefined ? {} : { seq }) }
  }
}
