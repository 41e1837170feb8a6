import { BrokerError } from '../../contracts/index.ts'
import type { AutoSeal, JsonObject } from '../../contracts/index.ts'
import { shamirConfig } from '../../seal/shamir-config.ts'
import { wrapByShares } from '../../seal/shamir-seal.ts'
import type { LifeParts } from './life.ts'

// A key file answers at once, a key service may not.
export const sealLimitMs = 10_000

interface WrappedRootKey {
  readonly kind: string
  readonly config: string
  readonly wrapped: Uint8Array
  /** What the operator is told, once. */
  readonly reply: JsonObject
}

/** Of a new store: by the seal that opens by itself, or for shares, as the body of `sys/init` wants them. */
export async function wrapRootKey(
  { seal, random, clock }: Pick<LifeParts, 'seal' | 'random' | 'clock'>,
  rootKey: Uint8Array,
  body: JsonObject
): Promise<WrappedRootKey> {
  if (seal !== 'shamir') {
    using deadline = clock.within(sealLimitMs)
    const wrapped = await wrappedBySeal(seal, rootKey, deadline.signal).catch(refuseInWords)
    return { kind: seal.kind, config: '{}', wrapped, reply: { keys: [], keys_base64: [], recovery_keys: [], recovery_keys_base64: [] } }
  }
  for (const key of ['pgp_keys', 'root_token_pgp_key', 'stored_shares', 'recovery_pgp_keys'])
    if (isGiven(body[key])) throw new BrokerError('invalid_request', `${key} is not offered`)
  const config = shamirConfig(number(body, 'secret_shares', 5), number(body, 'secret_threshold', 3))
  const { wrapped, shares } = wrapByShares(rootKey, config, random)
  const reply = {
    keys: shares.map(share => Buffer.from(share).toString('hex')),
    keys_base64: shares.map(share => Buffer.from(share).toString('base64'))
  }
  return { kind: 'shamir', config: JSON.stringify(config), wrapped, reply }
}

async function wrappedBySeal(seal: AutoSeal, rootKey: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  await seal.prepare(signal)
  return await seal.wrap(rootKey, signal)
}

/** Of a broker at work no reply says what its seal lacks. Here nothing is sealed yet, and whoever may initialise it is who can mend that. */
function refuseInWords(error: unknown): never {
  if (!(error instanceof BrokerError) || error.code !== 'sealed') throw error
  throw new BrokerError('invalid_request', `cannot be initialised: ${error.message}`, { cause: error })
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== 0 && !(Array.isArray(value) && value.length === 0)
}

function number(body: JsonObject, key: string, fallback: number): number {
  const value = body[key] ?? fallback
  const parsed = typeof value === 'string' ? Number(value) : value
  if (typeof parsed !== 'number' || !Number.isInteger(parsed))
    throw new BrokerError('invalid_request', `invalid seal configuration: ${key} must be an integer`)
  return parsed
}
