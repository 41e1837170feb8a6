import type { IncomingMessage } from 'node:http'
import { BrokerError } from '../contracts/index.ts'
import type { JsonObject } from '../contracts/index.ts'
import { BodyPieces } from './body-pieces.ts'
import type { Limits } from './limits.ts'
import { parseBody } from './parse-body.ts'

// Nearly every body is smaller, and needs no room: whoever fills the room with large ones, half-sent and without a token, keeps nobody from writing. All connections at once
// hold 128 MiB in such.
const smallBytesMax = 16_384

/** The bytes of all large bodies that are on their way in, of one listener: many half-sent ones must not fill the memory. */
export class BodyRoom {
  readonly #max: number
  #used = 0

  constructor(max: number) {
    this.#max = max
  }

  /** One body grows. */
  grow(before: number, after: number): void {
    this.#used += beyondSmall(after) - beyondSmall(before)
    if (after > smallBytesMax && this.#used > this.#max)
      throw new BrokerError('quota_exceeded', 'too many large requests at once', { retryAfter: 1 })
  }

  /** One body is gone, with all of its bytes. */
  free(bytes: number): void {
    this.#used -= beyondSmall(bytes)
  }
}

function beyondSmall(bytes: number): number {
  return Math.max(0, bytes - smallBytesMax)
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return (headers['content-length'] !== undefined && headers['content-length'] !== '0') || headers['transfer-encoding'] !== undefined
}

/** The fields of a write: JSON under any content type and under none, or a form where type and text say so. Refused by its headers before a byte is read. */
export async function readBody(request: IncomingMessage, room: BodyRoom, limits: Limits): Promise<JsonObject> {
  const form = readMediaType(request)
  const pieces = new BodyPieces()
  let held = 0
  const keep = (chunk: Buffer) => {
    pieces.add(chunk)
    held += chunk.length
    room.grow(held - chunk.length, held)
  }
  try {
    const bytes = await receive(request, limits.bodyBytesMax, keep)
    return parseBody(pieces.whole(bytes), form)
  } finally {
    room.free(held)
  }
}

/** A body where none is read: some clients send one with a GET. */
export async function skipBody(request: IncomingMessage, limits: Limits): Promise<void> {
  await receive(request, limits.bodyBytesMax, () => undefined)
}

const patchType = 'application/merge-patch+json'

/** Whether the body calls itself a form. */
function readMediaType({ method, headers }: IncomingMessage): boolean {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw unsupported('compressed bodies are not accepted')
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const name = type.trim()
  if (method === 'PATCH' && name !== patchType) throw unsupported(`PATCH requires Content-Type of ${patchType}`)
  if (name.startsWith('multipart/')) throw unsupported('multipart bodies are not accepted')
  if (!parameters.every(isUtf8OrNoCharset)) throw unsupported('bodies are UTF-8')
  return name === 'application/x-www-form-urlencoded'
}

function isUtf8OrNoCharset(parameter: string): boolean {
  const [name, value = ''] = parameter.split('=')
  if (name!.trim() !== 'charset') return true
  return ['utf-8', 'utf8', 'us-ascii'].includes(value.trim().replaceAll('"', ''))
}

/** Hands over the chunks, bounded while they arrive. How many bytes they were. */
function receive(request: IncomingMessage, bytesMax: number, keep: (chunk: Buffer) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) return reject(tooLarge())
    const fail = (error: unknown) => {
      request.off('data', take).off('end', done).off('close', gone)
      reject(error)
    }
    const take = (chunk: Buffer) => {
      try {
        bytes += chunk.length
        if (bytes > bytesMax) throw tooLarge()
        keep(chunk)
      } catch (error) {
        fail(error)
      }
    }
    const done = () => {
      request.off('close', gone)
      resolve(bytes)
    }
    const gone = () => fail(new BrokerError('invalid_request', 'the body ended early'))
    request.on('data', take).once('end', done).once('close', gone)
  })
}

function tooLarge(): BrokerError {
  return new BrokerError('body_too_large', 'http: request body too large')
}

function unsupported(message: string): BrokerError {
  return new BrokerError('unsupported_media_type', message)
}
