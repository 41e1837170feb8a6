/** A host without a helper: the broker logs in by itself, with a key for this host, to nobody but this host. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { makeKey, sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'

describe.skipIf(missing(sshdMissing()))('a host that the broker reaches', () => {
  let stand: HostStand
  const shown = async () => (await stand.ask('GET', 'ssh/hosts/web1/reach'))['data']
  const hostKey = (): string => readFileSync(`${stand.sshd.hostKey}.pub`, 'utf8').trim()
  const reach = (more: Readonly<Record<string, unknown>> = {}) =>
    stand.ask('POST', 'ssh/hosts/web1/reach', {
      address: '127.0.0.1',
      port: stand.sshd.port,
      user: stand.sshd.user,
      host_key: hostKey(),
      prefix: stand.sshd.folder,
      ...more
    })

  beforeAll(async () => {
    stand = await HostStand.open()
    // As an administrator would set it up by hand: no helper, and a KRL that is not there yet would let nobody in.
    const ca = await (await fetch(`${stand.broker.address}/v1/ssh/trusted_user_keys`)).text()
    writeFileSync(stand.path('ca.pub'), ca)
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  const configure = (authorizedKey: string): void => {
    writeFileSync(stand.path('keys'), `${authorizedKey}\n`)
    const lines = [
      `TrustedUserCAKeys ${stand.path('ca.pub')}`,
      `AuthorizedKeysFile ${stand.path('keys')}`,
      `RevokedKeys ${stand.path('etc/ssh/mayfly/krl')}`
    ]
    const config = readFileSync(stand.sshd.configFile, 'utf8')
    writeFileSync(stand.sshd.configFile, `${lines.join('\n')}\n${config}`)
    process.kill(Number(readFileSync(stand.path('run/sshd.pid'), 'utf8')), 'SIGHUP')
  }

  test('is never logged in on when it shows another key than the one that is pinned', async () => {
    makeKey(stand.path('other'))
    await reach({ host_key: readFileSync(stand.path('other.pub'), 'utf8') })
    await expect.poll(async () => (await shown()).last_error, { timeout: 20_000 }).toMatch(/another key than the one that is pinned/)
    expect(stand.sshd.log).not.toContain('Accepted')
  })

  test('is not where a cloud answers with its keys, as it is written or as it resolves', async () => {
    await expect(reach({ address: '169.254.169.254' })).rejects.toThrow('address: a link-local, metadata or multicast address is not taken')
    // The same address as a number, which a resolver takes for a name.
    await reach({ address: '2852039166' })
    await expect.poll(async () => (await shown()).last_error, { timeout: 20_000 }).toMatch(/resolves to a link-local/)
  })

  test('gets the KRL and loses the sessions that it ends, by the broker’s own hand', async () => {
    const { data } = await reach()
    const { mkdirSync } = await import('node:fs')
    mkdirSync(stand.path('etc/ssh/mayfly'), { recursive: true })
    writeFileSync(
      stand.path('etc/ssh/mayfly/krl'),
      Buffer.from('5353484b524c0a00000000010000000000000000000000000000000000000000000000000000000000000000', 'hex')
    )
    configure(data.authorized_key)
    await expect.poll(async () => (await shown()).krl_version, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0)

    const [revoked, other] = [await stand.certificate(), await stand.certificate()]
    const [ending, staying] = [await stand.session(revoked), await stand.session(other)]
    await stand.ask('POST', 'sys/leases/revoke', { lease_id: revoked.lease })
    expect(await ending.ended).toBe(255)
    expect(staying.child.exitCode).toBe(null)
    staying.child.kill()
    // The host may hear of the end before it has the list.
    await expect.poll(() => stand.mayLogIn(revoked), { timeout: 30_000, interval: 500 }).toBe(false)
    expect(await stand.mayLogIn(other)).toBe(true)
    await expect.poll(() => stand.leaseStatus(revoked), { timeout: 30_000, interval: 500 }).toBe(400)
  })

  test('loses the sessions of what was ended while no list could say it there', async () => {
    const [ended, other] = [await stand.certificate(), await stand.certificate()]
    const [ending, staying] = [await stand.session(ended), await stand.session(other)]
    // By force: the backend is not asked, and no list ever names the certificate.
    await stand.ask('POST', `sys/leases/revoke-force/${ended.lease}`)
    await reach()
    expect(await ending.ended).toBe(255)
    expect(staying.child.exitCode).toBe(null)
    staying.child.kill()
  })

  test('and the private key is never told', async () => {
    expect(JSON.stringify(await shown())).not.toContain('PRIVATE')
    expect(await shown()).toMatchObject({ authorized_key: expect.stringMatching(/^restrict ssh-ed25519 \S+ mayfly$/), last_error: null })
  })
})
