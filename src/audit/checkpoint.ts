/** Checkpoints: the chain says that nothing between two lines was changed, a signature says who wrote it. Without the key nobody can write the trail anew. */
import { createHash, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** The head that is signed, and when. */
export interface Checkpoint {
  readonly node: string
  readonly seq: number
  readonly hash: string
  /** RFC 3339. */
  readonly time: string
}

export interface SignedCheckpoint extends Checkpoint {
  readonly key: string
  readonly signature: string
}

/** SHA-256 of the public key's SPKI form, hex. */
export function checkpointKeyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

/** Ed25519, base64. */
export function signCheckpoint(checkpoint: Checkpoint, privateKey: KeyObject): string {
  return sign(null, signedBytes(checkpoint), privateKey).toString('base64')
}

export function verifyCheckpoint(checkpoint: Checkpoint, signature: string, publicKey: KeyObject): boolean {
  return verify(null, signedBytes(checkpoint), publicKey, Buffer.from(signature, 'base64'))
}

// The first line keeps a signature made here from being one of anything else.
function signedBytes({ node, seq, hash, time }: Checkpoint): Buffer {
  return Buffer.from(`mayfly audit checkpoint 1\n${node}\n${seq}\n${hash}\n${time}`)
}

/** The audit body. Its line comes after the head that it signs, by any number of lines. */
export function checkpointEntry(checkpoint: Checkpoint, keyId: string, signature: string): string {
  const { time, seq, hash } = checkpoint
  return `{"time":"${time}","type":"checkpoint","checkpoint":{"seq":${seq},"hash":"${hash}","key":"${keyId}","signature":"${signature}"}}`
}

const whole =
  /^\{"time":"([0-9TZ:.+-]{1,40})","type":"checkpoint","checkpoint":\{"seq":(\d{1,15}),"hash":"([0-9a-f]{64})","key":"([0-9a-f]{64})","signature":"([A-Za-z0-9+/=]{88})"\}\}$/

export function isCheckpoint(body: string): boolean {
  return body.startsWith('"type":"checkpoint"', body.indexOf(',') + 1)
}

export function parseCheckpoint(node: string, body: string): SignedCheckpoint | undefined {
  const match = whole.exec(body)
  return match ? { node, time: match[1]!, seq: Number(match[2]), hash: match[3]!, key: match[4]!, signature: match[5]! } : undefined
}
