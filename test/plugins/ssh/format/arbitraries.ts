import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import * as fc from 'fast-check'
import type { CertificateFields } from '../../../../plugins/ssh/format/certificate.ts'
import { publicPart } from '../../../../plugins/ssh/format/key-object.ts'
import type { PublicKey } from '../../../../plugins/ssh/format/public-key.ts'

const curveKey = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey

/** One of each, made once: RSA takes its time. */
export const privateKeys = {
  ed25519: generateKeyPairSync('ed25519').privateKey,
  p256: curveKey('P-256'),
  p384: curveKey('P-384'),
  p521: curveKey('P-521'),
  rsa: generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
}

const subjects = [
  publicPart(generateKeyPairSync('ed25519').publicKey),
  publicPart(curveKey('P-256')),
  publicPart(curveKey('P-384')),
  publicPart(curveKey('P-521')),
  publicPart(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
]

/** A token has the same points; what differs is who holds the other half. */
export const fidoKeys: readonly PublicKey[] = [
  { type: 'sk-ssh-ed25519@openssh.com', point: pointOf(subjects[0]!), application: 'ssh:' },
  { type: 'sk-ecdsa-sha2-nistp256@openssh.com', point: pointOf(subjects[1]!), application: 'ssh:work' }
]

function pointOf(key: PublicKey): Buffer {
  if (key.type === 'ssh-rsa') throw new Error('an RSA key has no point')
  return key.point
}

export const subjectKey: fc.Arbitrary<PublicKey> = fc.constantFrom(...subjects, ...fidoKeys)

const characters = (pattern: RegExp): fc.Arbitrary<string> =>
  fc.constantFrom(...Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at)).filter(character => pattern.test(character)))

const text = (first: RegExp, rest: RegExp, bytesMax: number): fc.Arbitrary<string> =>
  fc.tuple(characters(first), fc.string({ unit: characters(rest), maxLength: bytesMax - 1 })).map(([head, tail]) => head + tail)

const userName = text(/[^-\s,*?!"#{}]/, /[^\s,*?!"{}]/, 64)
const label = text(/[a-z0-9_]/, /[a-z0-9_]/, 20)
const hostName = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.')),
  fc.ipV4(),
  fc.constantFrom('2001:db8::1', '::1', 'fe80::1:0:0:2')
)
const keyId = text(/[A-Za-z0-9]/, /[^#]/, 200).map(one => one.trimEnd())

const network = fc.constantFrom('127.0.0.1', '10.0.0.0/8', '192.0.2.128/25', '0.0.0.0/1', '2001:db8::/32', '::1', '::1/128', '8000::/1')
const sourceAddress = fc.array(network, { minLength: 1, maxLength: 4 }).map(networks => networks.join(','))
const command = text(/\S/, /./, 100).map(one => one.trimEnd())

/** Options as pairs, each there or not. */
const optionMap = (values: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<ReadonlyMap<string, string>> =>
  fc.record(values, { requiredKeys: [] }).map(chosen => new Map(Object.entries(chosen).map(([name, value]) => [name, value ?? ''])))

const flag = fc.constant('')
const extensions = optionMap({
  'permit-pty': flag,
  'permit-X11-forwarding': flag,
  'permit-agent-forwarding': flag,
  'permit-port-forwarding': flag,
  'permit-user-rc': flag,
  'no-touch-required': flag,
  'zz@example.com': command,
  Aa: flag
})

const base = {
  nonce: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  serial: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
  keyId,
  key: subjectKey,
  extensions
}

/** Two moments in order, within what `ssh-keygen` can print. */
const validity = fc
  .tuple(fc.bigInt({ min: 1n, max: 2n ** 33n }), fc.bigInt({ min: 1n, max: 2n ** 33n }))
  .map(([validAfter, seconds]) => ({ validAfter, validBefore: validAfter + seconds }))

const userFields = fc.record({
  ...base,
  kind: fc.constant('user' as const),
  principals: fc.oneof(fc.array(userName, { minLength: 1, maxLength: 5 }), fc.constant(Array.from({ length: 256 }, (_, at) => `p${at}`))),
  criticalOptions: optionMap({ 'force-command': command, 'source-address': sourceAddress })
})

const hostFields = fc.record({
  ...base,
  kind: fc.constant('host' as const),
  principals: fc.array(hostName, { minLength: 1, maxLength: 5 }),
  criticalOptions: fc.constant<ReadonlyMap<string, string>>(new Map())
})

export const certificateFields: fc.Arbitrary<CertificateFields> = fc
  .tuple(fc.oneof(userFields, hostFields), validity, fc.boolean())
  .map(([fields, times, verified]) => ({ ...fields, ...times, criticalOptions: withPin(fields, verified) }))

/** Only a token can be asked for its PIN. */
function withPin(fields: Pick<CertificateFields, 'kind' | 'key' | 'criticalOptions'>, verified: boolean): ReadonlyMap<string, string> {
  if (!verified || fields.kind === 'host' || !fields.key.type.startsWith('sk-')) return fields.criticalOptions
  return new Map([...fields.criticalOptions, ['verify-required', '']])
}
