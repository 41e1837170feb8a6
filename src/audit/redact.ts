/** Data of requests and responses as the trail keeps it: keys in clear, values under a keyed hash, so that a value can be found by who has it and read by nobody.
 *
 *  On the wire's rule numbers stay. Here only those stay whose name says that they measure something (`ttl`, `num_uses`): any other may be a password that was sent
 *  without quotes. Bytes and odd values are hashed too (the peers logged them raw). */
import { Secret } from '../contracts/secret.ts'
import { quote } from './json-text.ts'

/** `hmac-sha256:<hex>` of a value, under a key that is not kept beside the trail. */
export type Hash = (value: string) => string

// A list of 100,000 keys would hold the event loop for a fifth of a second: what is beyond is hashed as a whole.
const leavesMax = 2_000
const depthMax = 16
// A longer key is content, not a name.
const keyLengthMax = 128

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

const measures = new Set(
  (
    'ttl time duration uses increment period interval timeout seconds count total limit offset max min port version term depth size ' +
    'bytes length bits shares threshold connections retries attempts failures progress seq index rate requests'
  ).split(' ')
)

/** JSON text. `clear` names keys whose values stay as they are (`audit_non_hmac_request_keys` of the mount). `most`: keys and values that are told one by one. */
export function redact(data: unknown, hash: Hash, clear?: ReadonlySet<string>, most = leavesMax): string {
  return new Redaction(hash, clear, most).value(data, '', 0)
}

class Redaction {
  readonly #hash: Hash
  readonly #clear: ReadonlySet<string> | undefined
  readonly #most: number
  #leaves = 0

  constructor(hash: Hash, clear: ReadonlySet<string> | undefined, most: number) {
    this.#hash = hash
    this.#clear = clear
    this.#most = most
  }

  value(value: unknown, key: string, depth: number): string {
    this.#leaves++
    switch (typeof value) {
      case 'string':
        return this.#text(value, key)
      case 'number':
        return Number.isFinite(value) && (isMeasure(key) || this.#isClear(key)) ? String(value) : quote(this.#hash(String(value)))
      case 'bigint':
        return quote(this.#hash(String(value)))
      case 'boolean':
        return String(value)
      case 'object':
        return value === null ? 'null' : this.#container(value, key, depth)
      case 'undefined':
      case 'function':
      case 'symbol':
      default:
        // Nothing that JSON could carry.
        return 'null'
    }
  }

  #text(text: string, key: string): string {
    if (text === '') return '""'
    return quote(this.#isClear(key) || instant.test(text) ? text : this.#hash(text))
  }

  #container(value: object, key: string, depth: number): string {
    // The one thing that is known to be secret in full: no key of it is ever in clear.
    if (value instanceof Secret) return new Redaction(this.#hash, undefined, this.#most).value(value.reveal(), '', depth)
    if (value instanceof Uint8Array) return quote(this.#hash(Buffer.from(value).toString('base64')))
    if (depth >= depthMax) return this.#whole(value)
    return Array.isArray(value) ? this.#list(value, key, depth) : this.#object(value, depth)
  }

  #list(values: readonly unknown[], key: string, depth: number): string {
    const items: string[] = []
    for (const [at, item] of values.entries()) {
      if (this.#leaves >= this.#most) {
        items.push(this.#rest(values.length - at, values.slice(at)))
        break
      }
      items.push(this.value(item, key, depth + 1))
    }
    return `[${items.join(',')}]`
  }

  #object(values: object, depth: number): string {
    const entries = Object.entries(values)
    const items: string[] = []
    for (const [at, [key, item]] of entries.entries()) {
      if (this.#leaves >= this.#most) {
        items.push(`"...":${this.#rest(entries.length - at, entries.slice(at))}`)
        break
      }
      items.push(`${this.#key(key)}:${this.value(item, key, depth + 1)}`)
    }
    return `{${items.join(',')}}`
  }

  #key(key: string): string {
    this.#leaves++
    return quote(key.length > keyLengthMax ? this.#hash(key) : key)
  }

  #rest(count: number, values: readonly unknown[]): string {
    return quote(`${count} more: ${this.#wholeText(values)}`)
  }

  #whole(value: unknown): string {
    return quote(this.#wholeText(value))
  }

  #wholeText(value: unknown): string {
    try {
      return this.#hash(JSON.stringify(value))
    } catch {
      return '[too deep]'
    }
  }

  #isClear(key: string): boolean {
    return this.#clear !== undefined && this.#clear.has(key)
  }
}

function isMeasure(key: string): boolean {
  return measures.has(key.slice(key.lastIndexOf('_') + 1))
}
