/** What the offline verifier found. */
import type { ChainHead } from './chain.ts'

export type Why = 'changed' | 'missing' | 'reordered' | 'duplicated' | 'bad signature' | 'wrong key'

/** The first bad line, counted from 1. One after the last line: something is missing at the end. */
export interface Problem {
  readonly line: number
  readonly why: Why
  readonly detail: string
  readonly node?: string
  readonly seq?: number
}

export interface NodeVerdict {
  readonly node: string
  readonly firstSeq: number
  readonly head: ChainHead
  readonly lines: number
  /** Checkpoints whose signature is good, or, without a key, that agree with the chain. */
  readonly checkpoints: number
  /** The last line that a good signature covers; 0 = none. */
  readonly signedTo: number
  /** Lines after it. */
  readonly unsigned: number
  /** The header says what the first line follows. Else the content of that one line is not proven. */
  readonly beginningProven: boolean
}

export interface Verdict {
  readonly ok: boolean
  readonly problem?: Problem
  /** The last line is unfinished: a crash or a full disk, no tampering. */
  readonly torn?: { readonly line: number }
  /** Lines in the file, headers and unfinished ones included. */
  readonly lines: number
  /** Of all nodes. */
  readonly checkpoints: number
  /** Unfinished lines that were followed by the whole one. */
  readonly mended: number
  /** Lines that came again, the same to the byte, below a new header: a sink was not sure of them. */
  readonly repeated: number
  readonly nodes: readonly NodeVerdict[]
  /** Fingerprint of the key that signatures were checked with. Without one nothing proves who wrote the trail. */
  readonly key: string | undefined
}

/** A verdict in words, for the command line. */
export function tellVerdict(verdict: Verdict): readonly string[] {
  const { problem, torn, mended, repeated, lines, nodes } = verdict
  return [
    problem
      ? `line ${problem.line}: ${problem.why}: ${problem.detail}`
      : `${lines} lines, nothing changed, missing, reordered or duplicated`,
    ...nodes.flatMap(node => tellNode(node, verdict.key)),
    ...(torn ? [`line ${torn.line} is a torn tail: writing it was cut short by a crash or a full disk, which is no tampering`] : []),
    ...(mended > 0 ? [`${mended} torn lines were written anew in full`] : []),
    ...(repeated > 0 ? [`${repeated} lines were written twice by a sink that was not sure of them`] : []),
    verdict.key
      ? `signatures were checked with the key ${verdict.key}`
      : `no key was given: ${problem ? '' : 'the chain holds together, and '}nothing proves who wrote it`
  ]
}

function tellNode(node: NodeVerdict, key: string | undefined): readonly string[] {
  const range = `node ${node.node}: ${node.lines} entries, ${node.firstSeq} to ${node.head.seq}, ${node.checkpoints} checkpoints, head ${node.head.hash}`
  const signed =
    node.signedTo > 0
      ? `signed up to ${node.signedTo}, ${node.unsigned} entries after it are not signed yet`
      : `none of ${node.unsigned} entries is signed`
  const beginning =
    node.firstSeq === 1 ? '' : node.beginningProven ? '; earlier lines are elsewhere' : '; what its first line follows is not known'
  return [range + beginning, ...(key ? [`  ${signed}`] : [])]
}
