/** A host's life, on a real sshd: it enrols, lets in whom the broker signed for, and puts out whom it revoked. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, afterAll, describe, expect, test } from 'vitest'
import { parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { missing } from '../../targets/missing.ts'
import { ssh } from '../../targets/ssh-client.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'

describe.skipIf(missing(sshdMissing()))('a host that enrolled', () => {
  let stand: HostStand
  beforeAll(async () => {
    stand = await HostStand.open()
    const { code, stderr } = await stand.enroll('--principals', 'names')
    expect(stderr).toMatch(/^mayfly-host: enrolled: serial 1, KRL \d+$/m)
    expect(code).toBe(0)
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  test('lets in who has a certificate, and nobody else', async () => {
    const user = await stand.certificate()
    expect(await stand.mayLogIn(user)).toBe(true)
    const { certificate: _, ...plain } = user
    expect(await stand.mayLogIn(plain)).toBe(false)
  })

  test('shows its clients a host certificate that the CA vouches for', async () => {
    const ca = (await (await fetch(`${stand.broker.address}/v1/ssh/public_key`)).text()).trim()
    const knownHosts = stand.path('known_hosts')
    writeFileSync(knownHosts, `@cert-authority [127.0.0.1]:* ${ca}\n`)
    const user = await stand.certificate()
    expect(await stand.mayLogIn({ ...user, knownHosts })).toBe(true)
    expect((await ssh({ ...user, knownHosts, options: ['HostKeyAlias=web2.example.com'] })).code).toBe(255)
  })

  test('tells the broker which KRL it runs, and the broker tells it to who asks', async () => {
    await stand.run('sync')
    const { data } = await stand.ask('GET', 'ssh/hosts/web1')
    expect(data).toMatchObject({ enrolled: true, ends_sessions: true, host_key: expect.stringMatching(/^SHA256:/) })
    expect(data.krl_version).toBeGreaterThan(0)
  })

  test('refuses a revoked certificate, ends its session, and only then is the lease over', async () => {
    const [revoked, other] = [await stand.certificate(), await stand.certificate()]
    const [ending, staying] = [await stand.session(revoked), await stand.session(other)]
    await stand.run('sync')

    await stand.ask('POST', 'sys/leases/revoke', { lease_id: revoked.lease })
    expect(await stand.leaseStatus(revoked)).toBe(200)
    await expect
      .poll(() => stand.run('sync').then(({ stderr }) => stderr), { timeout: 20_000 })
      .toContain(`certificate ${revoked.serial} of`)

    expect(await ending.ended).toBe(255)
    expect(staying.child.exitCode).toBe(null)
    expect(await stand.mayLogIn(revoked)).toBe(false)
    expect(await stand.mayLogIn(other)).toBe(true)
    staying.child.kill()
    // Over, and not before: the broker has the host's word for it.
    await expect.poll(() => stand.leaseStatus(revoked), { timeout: 20_000 }).toBe(400)
  })

  test('that runs its helper hears of a revocation at once, and is waited at by nobody else', async () => {
    const user = await stand.certificate()
    const { ended } = await stand.session(user)
    const helper = stand.start('run')
    try {
      await expect.poll(() => stand.requests.some(url => url.includes('krl/news')), { timeout: 20_000 }).toBe(true)
      const began = performance.now()
      await stand.ask('POST', 'sys/leases/revoke', { lease_id: user.lease })
      expect(await ended).toBe(255)
      // Measured: 3 s, of which 1 is the wait for logins that passed the old list.
      expect(performance.now() - began).toBeLessThan(15_000)
    } finally {
      helper.kill()
      await new Promise(resolve => helper.once('exit', resolve))
    }
  })

  test('has one helper, the one that was started last', async () => {
    const older = stand.start('run')
    const file = stand.path('var/lib/mayfly-host/helper')
    await expect.poll(() => readFileSync(file, 'utf8'), { timeout: 20_000 }).toMatch(new RegExp(`^${older.pid} `))
    const newer = stand.start('run')
    await expect.poll(() => readFileSync(file, 'utf8'), { timeout: 20_000 }).toMatch(new RegExp(`^${newer.pid} `))
    // It waits for news, which come with the next revocation.
    const { lease } = await stand.certificate()
    await stand.ask('POST', 'sys/leases/revoke', { lease_id: lease })
    await expect.poll(() => older.exitCode, { timeout: 40_000 }).toBe(0)
    expect(newer.exitCode).toBe(null)
    newer.kill()
    await new Promise(resolve => newer.once('exit', resolve))
  })

  test('tells who logged in, once, whatever is lost on the way', async () => {
    const user = await stand.certificate()
    await stand.mayLogIn(user)
    await stand.mayLogIn(user)
    await stand.sshd.logged(new RegExp(`\\(serial ${user.serial}\\)[^]*\\(serial ${user.serial}\\)`))
    await stand.run('sync')
    await stand.run('sync')
    const { data } = await stand.ask('POST', 'sys/leases/lookup', { lease_id: user.lease })
    expect(data).toMatchObject({ uses: 2, seen_from: ['127.0.0.1'] })
  })

  test('is as it was when it enrols again, and needs no token for it', async () => {
    const files = ['etc/ssh/sshd_config', 'etc/ssh/sshd_config.d/50-mayfly.conf', 'etc/ssh/mayfly/ssh_host_ed25519_key-cert.pub']
    const before = files.map(file => readFileSync(stand.path(file), 'utf8'))
    expect(await stand.enrollWithout('--principals', 'names')).toMatchObject({ code: 0 })
    expect(files.map(file => readFileSync(stand.path(file), 'utf8'))).toEqual(before)
    expect(stand.sshd.log.split('Received SIGHUP')).toHaveLength(2)
  })

  test('gets its next certificate with its key alone when two thirds of the last are over, and sshd shows it', async () => {
    const certificate = () => parseCertificateLine(readFileSync(stand.path('etc/ssh/mayfly/ssh_host_ed25519_key-cert.pub'), 'utf8').trim())
    const before = certificate()
    const due = Number(readFileSync(stand.path('var/lib/mayfly-host/renew-at'), 'utf8'))
    expect(due - Date.now() / 1_000).toBeGreaterThan(0.6 * 7 * 86_400)
    writeFileSync(stand.path('var/lib/mayfly-host/renew-at'), '0\n')
    expect((await stand.run('sync')).code).toBe(0)
    expect(certificate().serial).toBeGreaterThan(before.serial)
    expect(certificate().principals).toEqual(before.principals)
    expect(Number(readFileSync(stand.path('var/lib/mayfly-host/renew-at'), 'utf8'))).toBeGreaterThanOrEqual(due)
    await expect.poll(() => stand.sshd.log.split('Received SIGHUP')).toHaveLength(3)
  })

  test('leaves: sshd trusts the broker no longer, nothing is left behind, and the broker counts it no more', async () => {
    const user = await stand.certificate()
    expect(await stand.run('unenroll')).toMatchObject({ code: 0, stderr: 'mayfly-host: unenrolled\n' })
    expect(await stand.mayLogIn(user)).toBe(false)
    for (const file of ['etc/ssh/mayfly', 'var/lib/mayfly-host', 'usr/libexec/mayfly-host', 'etc/ssh/sshd_config.d/50-mayfly.conf'])
      expect(existsSync(stand.path(file)), file).toBe(false)
    expect((await stand.broker.ask('GET', 'ssh/hosts/web1')).status).toBe(404)
  })
})
