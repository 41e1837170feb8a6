/** What comes down a bad way in place of a KRL: a host keeps the one it has, and never lets a revoked one in or everybody out. */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { encodeKrl } from '../../../plugins/ssh/format/encode-krl.ts'
import { signMessage } from '../../../plugins/ssh/format/sshsig.ts'
import { signerOf } from '../../../plugins/ssh/format/signer.ts'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'
import type { UserCertificate } from './hosts-stand.ts'

describe.skipIf(missing(sshdMissing()))('on a bad way', () => {
  let stand: HostStand
  let revoked: UserCertificate
  const krl = (): Buffer => readFileSync(stand.path('etc/ssh/mayfly/krl'))
  const published = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(`${stand.broker.address}/v1/ssh/${path}`)).arrayBuffer())

  /** A newer list is there: the one with `certificate` on it. */
  async function revoke(certificate: UserCertificate): Promise<void> {
    const before = Buffer.from(await published('krl'))
    await stand.ask('POST', 'sys/leases/revoke', { lease_id: certificate.lease })
    await vi.waitFor(async () => expect(before.equals(await published('krl'))).toBe(false), { timeout: 20_000 })
  }

  beforeAll(async () => {
    stand = await HostStand.open()
    expect((await stand.enroll('--principals', 'names')).code).toBe(0)
    revoked = await stand.certificate()
    await revoke(revoked)
    expect((await stand.run('sync')).code).toBe(0)
    expect(await stand.mayLogIn(revoked)).toBe(false)
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  test('an empty, a cut, a strange, a foreign and an old list are all refused, and the next good one is taken', async () => {
    const old = { krl: await published('krl'), signature: await published('krl.sig') }
    const next = await stand.certificate()
    await revoke(next)
    const good = { krl: await published('krl'), signature: await published('krl.sig') }
    const before = krl()
    const foreign = signerOf(generateKeyPairSync('ed25519').privateKey)
    const forged = encodeKrl({ version: 9_999_999_999n, generatedAt: 9_999_999_999n, certificates: [], keys: [], fingerprints: [] })
    const bad: readonly [what: RegExp, krl: Uint8Array, signature: Uint8Array][] = [
      [/it is empty/, new Uint8Array(), good.signature],
      [/it is no KRL/, Buffer.from('<html>sign in to the network</html>'), good.signature],
      [/not by the key/, good.krl.subarray(0, 44), good.signature],
      [/not by the key/, good.krl.map((byte, at) => (at === 60 ? byte ^ 1 : byte)), good.signature],
      [/not by the key/, good.krl, old.signature],
      [/not by the key/, forged, Buffer.from(await signMessage(foreign, 'krl@mayfly', forged))],
      [/not by the key/, good.krl, new Uint8Array()]
    ]
    for (const [what, list, signature] of bad) {
      stand.way.instead.set('/krl', list)
      stand.way.instead.set('/krl.sig', signature)
      const { code, stderr } = await stand.run('sync')
      expect([code, stderr]).toEqual([1, expect.stringMatching(what)])
      expect(krl().equals(before)).toBe(true)
    }
    stand.way.instead.clear()
    expect(await stand.mayLogIn(revoked)).toBe(false)
    // As if the list had become another one between the two answers.
    stand.way.once.set('/krl', old.krl)
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    expect(await stand.mayLogIn(next)).toBe(false)

    stand.way.instead.set('/krl', old.krl)
    stand.way.instead.set('/krl.sig', old.signature)
    stand.way.instead.set('/report', Buffer.from('krl 9999999999\n'))
    expect((await stand.run('sync')).stderr).toMatch(/older than the one/)
    stand.way.instead.clear()
    expect(await stand.mayLogIn(next)).toBe(false)
  })

  test('a broker that is away leaves everything as it is, and an old list is an alarm', async () => {
    stand.way.cut = true
    const { code, stderr } = await stand.run('sync')
    expect([code, stderr]).toEqual([1, expect.stringContaining('cannot reach the broker')])
    expect(await stand.mayLogIn(revoked)).toBe(false)
    expect(await stand.mayLogIn(await stand.certificate())).toBe(true)
    // The helper's turn too looks at the sessions by the list that it has, and waits before the next.
    const settings = stand.path('etc/ssh/mayfly/settings')
    writeFileSync(settings, readFileSync(settings, 'utf8').replace(/^interval .*$/m, 'interval 1'))
    const turn = await stand.run('turn')
    expect([turn.code, turn.stderr.match(/cannot reach the broker/g)?.length]).toEqual([1, 2])
    stand.way.cut = false

    const file = stand.path('etc/ssh/mayfly/krl')
    const bytes = krl()
    writeFileSync(file, encodeKrl({ version: 9_999_999_999n, generatedAt: 1n, certificates: [], keys: [], fingerprints: [] }))
    expect((await stand.run('sync')).stderr).toMatch(/ALARM: the KRL of this host is \d+ seconds old/)
    writeFileSync(file, bytes)
  })

  test('logins whose report gets lost are sent until they are taken, and count once', async () => {
    const user = await stand.certificate()
    expect(await stand.mayLogIn(user)).toBe(true)
    await stand.sshd.logged(new RegExp(`\\(serial ${user.serial}\\)`))
    stand.way.repliesLost.add('/logins')
    expect((await stand.run('sync')).code).toBe(1)
    expect((await stand.run('sync')).code).toBe(1)
    stand.way.repliesLost.clear()
    expect((await stand.run('sync')).code).toBe(0)
    const { data } = await stand.ask('POST', 'sys/leases/lookup', { lease_id: user.lease })
    expect(data).toMatchObject({ uses: 1, seen_from: ['127.0.0.1'] })
  })

  test('no list of CA keys is taken that is empty or unreadable', async () => {
    const before = readFileSync(stand.path('etc/ssh/mayfly/user_ca.pub'), 'utf8')
    const version = krl().readBigUInt64BE(12)
    for (const more of ['', 'ca garbage\n']) {
      stand.way.instead.set('/report', Buffer.from(`krl ${version}\n${more}`))
      await stand.run('sync')
      expect(readFileSync(stand.path('etc/ssh/mayfly/user_ca.pub'), 'utf8')).toBe(before)
    }
    stand.way.instead.clear()
  })
})
