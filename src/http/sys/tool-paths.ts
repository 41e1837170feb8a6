import { createHash } from 'node:crypto'
import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError, field } from '../../contracts/index.ts'

const randomFields = { bytes: field.integer(), format: field.text(), source: field.text() }
const hashFields = { input: field.text(), format: field.text(), algorithm: field.text() }

const randomBytesMax = 131_072

const algorithms: ReadonlyMap<string, string> = new Map([
  ['sha2-224', 'sha224'],
  ['sha2-256', 'sha256'],
  ['sha2-384', 'sha384'],
  ['sha2-512', 'sha512'],
  ['sha3-224', 'sha3-224'],
  ['sha3-256', 'sha3-256'],
  ['sha3-384', 'sha3-384'],
  ['sha3-512', 'sha3-512']
])

/** `sys/tools`: randomness and hashes for who has no better source. */
export const toolPaths: readonly CorePath[] = [
  corePath({ pattern: 'tools/random', summary: 'random bytes', fields: randomFields, write: random }),
  corePath({ pattern: 'tools/random/:bytes', summary: 'so many random bytes', fields: randomFields, write: random }),
  corePath({ pattern: 'tools/random/:source/:bytes', summary: 'so many random bytes of a source', fields: randomFields, write: random }),
  corePath({ pattern: 'tools/hash', summary: 'the hash of a value', fields: hashFields, write: hash }),
  corePath({ pattern: 'tools/hash/:algorithm', summary: 'the hash of a value by an algorithm', fields: hashFields, write: hash })
]

async function random({
  parts,
  params,
  fields
}: Call<{ bytes?: number | undefined; format?: string | undefined; source?: string | undefined }>): Promise<Outcome> {
  const inPath = params['bytes'] ?? ''
  const source = params['source'] ?? (/^\D/.test(inPath) ? inPath : (fields.source ?? ''))
  if (!['', 'platform', 'all', 'seal'].includes(source))
    throw new BrokerError('invalid_request', 'source: expected "platform", "seal" or "all"')
  const count = /^\d{1,6}$/.test(inPath) ? Number(inPath) : (fields.bytes ?? 32)
  if (count < 1 || count > randomBytesMax) throw new BrokerError('invalid_request', `bytes: expected 1 to ${randomBytesMax}`)
  return { data: { random_bytes: Buffer.from(parts.random.bytes(count)).toString(encoding(fields.format, 'base64')) } }
}

async function hash({
  params,
  fields
}: Call<{ input?: string | undefined; format?: string | undefined; algorithm?: string | undefined }>): Promise<Outcome> {
  const algorithm = algorithms.get(params['algorithm'] ?? (fields.algorithm || 'sha2-256'))
  if (algorithm === undefined) throw new BrokerError('invalid_request', `algorithm: expected one of ${[...algorithms.keys()].join(', ')}`)
  const input = fields.input ?? ''
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(input) || input.length % 4 !== 0) throw new BrokerError('invalid_request', 'input: expected base64')
  return { data: { sum: createHash(algorithm).update(Buffer.from(input, 'base64')).digest().toString(encoding(fields.format, 'hex')) } }
}

function encoding(asked: string | undefined, otherwise: 'hex' | 'base64'): 'hex' | 'base64' {
  if (asked === undefined || asked === '') return otherwise
  if (asked === 'hex' || asked === 'base64') return asked
  throw new BrokerError('invalid_request', 'format: expected "hex" or "base64"')
}
