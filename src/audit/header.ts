/** The first line of every file, of every rotation, and of every new beginning of a sink: what the lines below it follow. It is no link of the chain; whoever edits it
 *  breaks the link between it and the next line. */
export interface TrailHeader {
  readonly node: string
  readonly firstSeq: number
  /** Hash of the line before the first; absent when that line is no longer known. */
  readonly previousHash?: string | undefined
  /** Fingerprint of the key that signs checkpoints. The key itself comes from the broker, never from the file. */
  readonly checkpointKey?: string | undefined
}

const version = 1

export function headerLine({ node, firstSeq, previousHash, checkpointKey }: TrailHeader): string {
  const optional = `${previousHash ? `,"previous_hash":"${previousHash}"` : ''}${checkpointKey ? `,"checkpoint_key":"${checkpointKey}"` : ''}`
  return `${front}${version},"node":"${node}","first_seq":${firstSeq}${optional}}`
}

const front = '{"type":"header","version":'
const whole =
  /^\{"type":"header","version":1,"node":"([A-Za-z0-9_.-]{1,64})","first_seq":([1-9]\d{0,14})(?:,"previous_hash":"([0-9a-f]{64})")?(?:,"checkpoint_key":"([0-9a-f]{64})")?\}$/

export function looksLikeHeader(line: string): boolean {
  return line.startsWith(front)
}

export function parseHeader(line: string): TrailHeader | undefined {
  const match = whole.exec(line)
  return match ? { node: match[1]!, firstSeq: Number(match[2]), previousHash: match[3], checkpointKey: match[4] } : undefined
}
