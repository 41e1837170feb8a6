import { BrokerError, field } from 'mayfly/plugin'
import type { MountStorage, z } from 'mayfly/plugin'
import type { KeyObject } from 'node:crypto'
import { fingerprint } from '../format/public-key.ts'
import { parseKeyLine, writeKeyLine } from '../format/key-line.ts'
import { publicPart } from '../format/key-object.ts'
import { parsePrivateKey } from '../format/private-key.ts'
import { requireStrongKey } from '../format/key-strength.ts'
import type { Engine } from '../engine.ts'
import { schedulePublishing } from '../krl/schedule-publishing.ts'
import { generateKey } from './generate-key.ts'
import { issuerKeyRow, issuersMax, readIssuers, shownIssuers } from './issuer.ts'
import type { Issuer, Issuers, Signs } from './issuer.ts'
import { newIssuerName } from './issuer-ref.ts'
import { uuidFrom } from './uuid-from.ts'

export const newIssuerFields = {
  private_key: field.text(),
  public_key: field.text(),
  generate_signing_key: field.boolean(),
  key_type: field.text(),
  key_bits: field.integer(),
  issuer_name: field.text(),
  // Mayfly's own.
  signs: field.text(),
  phase: field.text()
}
export type NewIssuerFields = z.output<z.ZodObject<typeof newIssuerFields>>

// NIST SP 800-57: good beyond 2030. sshd does not look at the size of the key that signed.
const caRsaBitsMin = 3_072

export interface NewIssuer {
  readonly issuer: Issuer
  /** It was there already, by its public key. */
  readonly known: boolean
  readonly before: Issuers
  readonly version: number
}

/** Makes or takes in a key, and puts it where only signing finds it. The caller puts the list of issuers. */
export async function newIssuer(
  { context, serials, blockedKeys }: Engine,
  fields: NewIssuerFields,
  storage: MountStorage
): Promise<NewIssuer> {
  const { all: before, version } = await readIssuers(storage)
  const signs = signsOf(fields.signs ?? 'any')
  const phase = phaseOf(fields.phase ?? 'active')
  const key = wantsNewKey(fields) ? await newKey(fields) : importedKey(fields)
  const print = fingerprint(publicPart(key))
  const known = shownIssuers(before).find(issuer => issuer.fingerprint === print)
  if (known) return { issuer: known, known: true, before, version }
  refuseSpent(before, print)
  if ((await blockedKeys.find(publicPart(key)))?.why === 'revoked') throw refusal('public_key: this key was revoked: make a new one')
  const now = Math.floor(context.clock.now().epochMilliseconds / 1_000)
  const issuer: Issuer = {
    id: uuidFrom(context.random),
    name: newIssuerName(before, fields.issuer_name ?? ''),
    phase,
    signs,
    publicKey: writeKeyLine(publicPart(key)),
    fingerprint: print,
    madeAt: now,
    since: now
  }
  storage.put(issuerKeyRow(issuer.id), { pkcs8: key.export({ type: 'pkcs8', format: 'pem' }) }, 0)
  serials.made(issuer.id)
  blockedKeys.changed(storage)
  // Hosts that trust it ask for the list before anything was revoked.
  schedulePublishing(context, storage)
  return { issuer, known: false, before, version }
}

/** Whether a key is to be made, by what was sent and what was not. */
function wantsNewKey({
  generate_signing_key: generate,
  public_key: publicKey = '',
  private_key: privateKey = ''
}: NewIssuerFields): boolean {
  if (generate === true) {
    if (publicKey !== '' || privateKey !== '')
      throw refusal('public_key and private_key must not be set when generate_signing_key is set to true')
    return true
  }
  if (generate === false || (publicKey !== '' && privateKey !== '')) {
    if (publicKey === '') throw refusal('missing public_key')
    if (privateKey === '') throw refusal('missing private_key')
    return false
  }
  if (publicKey !== '' || privateKey !== '')
    throw refusal('only one of public_key and private_key set; both must be set to use, or both must be blank to auto-generate')
  return true
}

function newKey({ key_type: type = '', key_bits: bits = 0 }: NewIssuerFields): Promise<KeyObject> {
  return generateKey(type, bits, 4_096).then(key => strongEnough(key))
}

/** The two halves must belong together: clients would trust one key, and hosts be shown signatures of another. */
function importedKey({ public_key: publicText = '', private_key: privateText = '' }: NewIssuerFields): KeyObject {
  const told = parsed('public_key', () => parseKeyLine(publicText).key)
  const key = parsed('private_key', () => parsePrivateKey(privateText))
  if (fingerprint(publicPart(key)) !== fingerprint(told)) throw refusal('public_key: it does not belong to the private_key')
  return strongEnough(key)
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    // The reason is of our own parser, which never quotes what it read.
    throw refusal(`could not parse ${what} provided value: ${error instanceof BrokerError ? error.message : 'not readable'}`, error)
  }
}

function strongEnough(key: KeyObject): KeyObject {
  requireStrongKey(publicPart(key), { what: 'a key that signs certificates', rsaBitsMin: caRsaBitsMin })
  return key
}

/** What was deleted may still have certificates, and what was revoked is known to others. */
function refuseSpent({ issuers }: Issuers, print: string): void {
  if (issuers.some(issuer => issuer.fingerprint === print))
    throw refusal('public_key: this key was an issuer that is deleted, and its certificates have not expired yet')
  if (issuers.length >= issuersMax) throw refusal(`a mount has at most ${issuersMax} issuers: delete what is retired`)
}

function signsOf(text: string): Signs {
  if (text === 'any' || text === 'user' || text === 'host') return text
  throw refusal('signs: expected "any", "user" or "host"')
}

function phaseOf(text: string): 'next' | 'active' {
  if (text === 'next' || text === 'active') return text
  throw refusal('phase: a new issuer is "next" or "active"')
}

function refusal(message: string, cause?: unknown): BrokerError {
  return new BrokerError('invalid_request', message, cause === undefined ? {} : { cause })
}
