import { generateKeyPairSync, sign } from 'node:crypto'
import { publicPart } from '../../plugins/ssh/format/key-object.ts'
import { writeKeyLine } from '../../plugins/ssh/format/key-line.ts'
import type { BenchBroker } from './bench-broker.ts'
import type { Stand } from './stand.ts'
import { atLeast, median, perSecond, printTable } from './table.ts'

const clients = 16
const rounds = 3
const roundMs = 3_000
// Until what every certificate passes is compiled for speed: the cost of one falls by a third (measured).
const warmUpMs = 15_000
const rawMs = 1_000
// As long as what is signed of a certificate of one principal.
const signedBytes = 300

const issuers = [
  { what: 'Ed25519', goal: 4_000, key: { key_type: 'ed25519' }, pair: () => generateKeyPairSync('ed25519').privateKey, hash: null },
  {
    what: 'P-256',
    goal: 0,
    key: { key_type: 'ec' },
    pair: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    hash: 'sha256'
  },
  {
    what: 'RSA-3072',
    goal: 0,
    key: { key_type: 'rsa', key_bits: 3_072 },
    pair: () => generateKeyPairSync('rsa', { modulusLength: 3_072 }).privateKey,
    hash: 'sha512'
  }
] as const

/** Certificates a second over HTTP, each with its lease and two audit entries on disk before the reply, against what one core of this machine signs and does nothing else. The
 *  rounds of both take turns. */
export async function benchSsh(stand: Stand): Promise<void> {
  const rows = []
  for (const { what, goal, key, pair, hash } of issuers) {
    await using broker = await stand.broker()
    const token = await useSsh(broker, key)
    const body = { public_key: writeKeyLine(publicPart(generateKeyPairSync('ed25519').publicKey)) }
    const load = (milliseconds: number) => stand.load(broker, token, { method: 'POST', path: 'ssh/sign/app', body, clients, milliseconds })
    await load(warmUpMs)
    const [seen, raw]: [Awaited<ReturnType<typeof load>>[], number[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      raw.push(rawRate(pair(), hash))
      seen.push(await load(roundMs))
    }
    const rate = median(seen.map(one => one.rate))
    rows.push({
      CA: what,
      'a second': goal === 0 ? perSecond(rate) : atLeast(rate, goal),
      'node:crypto': perSecond(median(raw)),
      'of it': (rate / median(raw)).toFixed(2),
      'CPU ms': median(seen.map(({ cpuMs }) => cpuMs)).toFixed(3),
      'median ms': median(seen.map(({ medianMs }) => medianMs)).toFixed(1),
      '99 % ms': median(seen.map(({ slowMs }) => slowMs)).toFixed(1)
    })
  }
  printTable(`ssh: certificates a second at ${clients} clients, audited and durable`, rows)
}

function rawRate(key: ReturnType<(typeof issuers)[number]['pair']>, hash: string | null): number {
  const message = Buffer.alloc(signedBytes, 7)
  const from = performance.now()
  let signatures = 0
  for (; performance.now() - from < rawMs; signatures++) sign(hash, message, key)
  return signatures / ((performance.now() - from) / 1_000)
}

/** A mount with a CA, a role, and the token of somebody who may sign and nothing else. */
async function useSsh({ api }: BenchBroker, key: Readonly<Record<string, unknown>>): Promise<string> {
  await api.must('POST', 'sys/mounts/ssh', { type: 'ssh' })
  await api.must('POST', 'ssh/config/ca', key)
  await api.must('POST', 'ssh/roles/app', {
    key_type: 'ca',
    allow_user_certificates: true,
    allowed_users: 'deploy',
    default_user: 'deploy',
    default_extensions: { 'permit-pty': '' },
    ttl: '10h'
  })
  await api.must('PUT', 'sys/policy/sign', { policy: 'path "ssh/sign/*" { capabilities = ["update"] }' })
  return (await api.must('POST', 'auth/token/create', { policies: ['sign', 'default'], ttl: '24h' })).auth.client_token
}
