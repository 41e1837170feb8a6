/** The day a CA key leaks, on a real host and at an engineer's machine: everybody goes on by the new key, with nobody's hand. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { EngineerStand } from './engineer-stand.ts'

describe.skipIf(missing(sshdMissing()))('a CA key that leaked', () => {
  let stand: EngineerStand
  const ask = (...words: Parameters<EngineerStand['hosts']['ask']>) => stand.hosts.ask(...words)
  const issuers = async () => (await ask('GET', 'ssh/config/issuers'))['data'] as { default: string; default_host?: string }
  const signedBy = async () => {
    const { stdout } = await stand.program('ssh-keygen', '-L', '-f', stand.hosts.path('etc/ssh/mayfly/ssh_host_ed25519_key-cert.pub'))
    return /Signing CA: \S+ (SHA256:\S+)/.exec(stdout)?.[1]
  }
  const newIssuer = async (name: string, signs: string): Promise<string> =>
    (await ask('POST', `ssh/issuers/import/${name}`, { signs }))['data'].fingerprint
  const revoke = async (id: string) => ask('POST', `ssh/issuer/${id}`, { phase: 'revoked' })

  beforeAll(async () => {
    stand = await EngineerStand.open()
    stand.configure(`Host shop\n  HostName 127.0.0.1\n  Port ${stand.hosts.sshd.port}\n`)
  })
  afterAll(async () => {
    await stand.mayfly(['ssh', 'setup', '--undo'])
    await stand[Symbol.asyncDispose]()
  })

  test('of hosts: a host gets a certificate by another with its next word, and plain ssh trusts it', async () => {
    expect(await stand.hosts.run('sync')).toMatchObject({ code: 0, stderr: '' })
    const first = await signedBy()
    // Nothing else could sign it: it keeps what it has, and the helper goes on.
    const { default: old } = await issuers()
    await newIssuer('users', 'user')
    await ask('POST', 'ssh/config/issuers', { default: 'users' })
    await revoke(old)
    expect(await stand.hosts.run('sync')).toMatchObject({ code: 0 })
    expect(await signedBy()).toBe(first)

    const other = await newIssuer('hosts', 'host')
    expect(await stand.hosts.run('sync')).toMatchObject({ code: 0 })
    expect(await signedBy()).toBe(other)
    expect(await stand.hosts.run('sync')).toMatchObject({ code: 0 })
    expect((await stand.mayfly(['ssh', 'setup'])).code).toBe(0)
    expect(await stand.program('ssh', 'shop', 'echo', 'in')).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
  })

  test('of users: the agent offers nothing by it, and gets another', async () => {
    await newIssuer('later', 'user')
    await ask('POST', 'ssh/config/issuers', { default: 'later' })
    await stand.hosts.run('sync')
    await revoke('users')
    await expect
      .poll(async () => (await stand.hosts.run('sync')) && readFileSync(stand.hosts.path('etc/ssh/mayfly/krl')).length, { timeout: 20_000 })
      .toBeGreaterThan(44)
    // It asks at most once a second.
    await expect
      .poll(() => stand.program('ssh', 'shop', 'echo', 'in'), { timeout: 20_000, interval: 1_000 })
      .toEqual({ code: 0, stdout: 'in\n', stderr: '' })
  })
})
