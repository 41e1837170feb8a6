import { ssh } from '../../../plugins/ssh/index.ts'
import { readHost, writeHost } from '../../../plugins/ssh/hosts/host-rows.ts'
import { isCertificateRevoked } from '../../../plugins/ssh/format/krl-check.ts'
import type { Krl } from '../../../plugins/ssh/format/krl.ts'
import { isGenuine, parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { parseKrl } from '../../../plugins/ssh/format/parse-krl.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { backendContract } from '../../contract/backend-contract.ts'
import type { BackendUnderTest } from '../../contract/backend-contract.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { newKeyLine, userRole } from './mount.ts'

// A certificate may outlive its revocation: published, pulled, acknowledged.
const looksMax = 4

/** The target of a certificate is every host that trusts its CA: this one pulls the list whenever there is a new one, ends the sessions that it names, and says so. */
async function openSsh(): Promise<BackendUnderTest> {
  const clock = new TestClock()
  const mount = await TestMount.open(ssh, { clock, random: systemRandom })
  const made = await mount.write('config/ca', {})
  if (!made || !('data' in made)) throw new Error('no issuer was made')
  // Far from 1, which is a part of every text: the suite looks whether what was given is kept.
  await mount.rows.begin().reserve(`serials/${made.data['issuer_id'] as string}`, 1_000_000_000)
  await mount.write('roles/app', { ...userRole, max_ttl: 0 })
  await enrolHost(mount)
  mount.asks = { public_key: newKeyLine() }
  const revoke = mount.revoke.bind(mount)
  mount.revoke = async (leases, signal) => {
    let outcomes = await revoke(leases, signal)
    for (let looks = 1; looks < looksMax && outcomes.some(({ kind }) => kind === 'outlives'); looks++) {
      await pull(mount, clock)
      outcomes = await revoke(leases, signal)
    }
    return outcomes
  }
  return {
    mount,
    creds: 'sign/app',
    async login({ signed_key: line }) {
      const certificate = parseCertificateLine(line as string)
      const krl = await pull(mount, clock)
      const now = BigInt(Math.floor(clock.now().epochMilliseconds / 1_000))
      const isIn =
        isGenuine(certificate) && now >= certificate.validAfter && now < certificate.validBefore && !isCertificateRevoked(krl, certificate)
      const isOpen = async (): Promise<boolean> => !isCertificateRevoked(await pull(mount, clock), certificate)
      return isIn ? { isOpen, [Symbol.asyncDispose]: async () => {} } : undefined
    },
    pass: instant => clock.advance(instant.since(clock.now()).total('milliseconds') + 1),
    [Symbol.asyncDispose]: () => mount[Symbol.asyncDispose]()
  }
}

async function enrolHost(mount: TestMount): Promise<void> {
  await mount.write('hosts/web', { names: 'web' })
  await acknowledge(mount, 0)
}

/** Lists are made a second apart. */
async function pull(mount: TestMount, clock: TestClock): Promise<Krl> {
  await clock.advance('PT1S')
  await mount.runTasks()
  const answer = await mount.read('krl')
  if (!answer || !('raw' in answer)) throw new Error('no list is published')
  const krl = parseKrl(answer.raw)
  await acknowledge(mount, Number(krl.version))
  return krl
}

async function acknowledge(mount: TestMount, krlVersion: number): Promise<void> {
  const rows = mount.rows.begin()
  const { host, version } = (await readHost(rows, 'web'))!
  const enrolled = { key: newKeyLine(), at: '', sequence: 1, loginsSequence: 0, krlVersion, krlDate: 0, seenAt: '', endsSessions: true }
  writeHost(rows, 'web', { ...host, enrolled }, version, host)
  rows.commit()
}

backendContract('ssh', openSsh)
