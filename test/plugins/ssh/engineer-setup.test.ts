/** Plain ssh, scp and git after `mayfly ssh setup`, by the real ones on a real sshd. */
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { opensshVersion, sshdMissing } from '../../targets/sshd-programs.ts'
import { EngineerStand } from './engineer-stand.ts'

// Of another look at a whole ssh.
const slowly = { timeout: 20_000, interval: 100 }

describe.skipIf(missing(sshdMissing()))('mayfly ssh setup', () => {
  let stand: EngineerStand
  const config = () => join(stand.home, '.ssh/config')
  const own = (name: string) => join(stand.home, '.mayfly/ssh', name)
  const port = () => String(stand.hosts.sshd.port)
  const before = (): string => `Host shop\n  HostName 127.0.0.1\n  Port ${stand.hosts.sshd.port}\n  IdentitiesOnly yes\n`
  const activeLeases = async (): Promise<readonly string[]> => {
    const { json } = await stand.hosts.broker.ask('GET', 'sys/holdings?role=ops')
    return (json['data']?.holdings ?? [])
      .filter((one: Record<string, any>) => one['state'] === 'active')
      .map((one: Record<string, any>) => one['id'])
  }

  beforeAll(async () => {
    stand = await EngineerStand.open()
    stand.configure(before())
  })
  afterAll(async () => {
    await stand.mayfly(['ssh', 'setup', '--undo'])
    await stand[Symbol.asyncDispose]()
  })

  test('one line in the user’s configuration, and plain ssh logs in, by its names too, to nobody else’s host', async () => {
    const text = readFileSync(config(), 'utf8')
    const { code, stdout, stderr } = await stand.mayfly(['ssh', 'setup'])
    expect([code, stdout]).toEqual([
      0,
      'plain ssh logs in to web1, 127.0.0.1, web1.example.com, shop with certificates, from an agent that starts by itself\n'
    ])
    expect(stderr).toContain('has a new first line')
    expect(readFileSync(config(), 'utf8')).toBe(`Include "${own('config')}"\n${text}`)

    expect(await stand.program('ssh', '-p', port(), '127.0.0.1', 'echo', 'in')).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
    expect(await stand.program('ssh', 'shop', 'echo', 'in')).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
    expect((await stand.program('ssh', '-G', 'github.com')).stdout).not.toContain('.mayfly')
    // Both by one certificate, whose key is in no file.
    expect((await activeLeases()).length).toBe(1)
    expect(existsSync(own('files'))).toBe(false)
    expect(lstatSync(own('agent.sock')).mode & 0o777 & ~0o755).toBe(0)
    expect(lstatSync(own('.')).mode & 0o777).toBe(0o700)
  })

  test('scp and git follow, with nothing said to them', async () => {
    writeFileSync(join(stand.home, 'sent'), 'a letter\n')
    // This sshd has no sftp.
    const older = opensshVersion() >= 8.7 ? ['-O'] : []
    const scp = await stand.program(
      'scp',
      ...older,
      '-S',
      join(stand.home, 'bin/ssh'),
      join(stand.home, 'sent'),
      `shop:${stand.home}/received`
    )
    expect([scp.code, scp.stderr, readFileSync(join(stand.home, 'received'), 'utf8')]).toEqual([0, '', 'a letter\n'])
    await stand.program('git', 'init', '-q', '--bare', join(stand.home, 'repository'))
    expect(await stand.program('git', 'ls-remote', `shop:${stand.home}/repository`)).toMatchObject({ code: 0, stdout: '' })
  })

  test('shows what may be reached and what is held, and logout revokes it', async () => {
    const { code, stdout } = await stand.mayfly(['ssh', 'ls'])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^ops +ssh\/ +anybody +10m$/m)])
    expect(stdout).toMatch(/^web1 +127\.0\.0\.1, web1, web1\.example\.com +a certificate$/m)
    const [lease] = await activeLeases()
    expect(stdout).toContain(lease)
    expect(JSON.parse((await stand.mayfly(['ssh', 'ls', '--format', 'json'])).stdout)).toMatchObject({
      roles: [{ role: 'ops', principals: ['*'] }],
      hosts: [{ host: 'web1', certified: true }],
      held: [{ lease, role: 'ops' }]
    })

    expect(await stand.mayfly(['ssh', 'logout'])).toMatchObject({ code: 0, stdout: '1 of 1 certificates revoked\n' })
    expect(await activeLeases()).toEqual([])
    expect((await stand.mayfly(['ssh', 'ls'])).stdout).toContain('you hold no certificate')
    // The token is still good: the agent makes another.
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
    expect((await activeLeases()).length).toBe(1)
  })

  test('what an operator has revoked is never offered: there is another as far as the policy allows, else ssh says why not', async () => {
    const [lease] = await activeLeases()
    await stand.hosts.ask('POST', 'sys/leases/revoke', { lease_id: lease, sync: false })
    // It asks at most once a second.
    await expect.poll(() => stand.program('ssh', 'shop', 'echo', 'in'), slowly).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
    const [other] = await activeLeases()
    expect(other).not.toBe(lease)
    expect((await stand.mayfly(['ssh', 'ls'])).stdout).not.toContain(lease)

    await stand.policy('engineer', { 'ssh/access': 'read' })
    await stand.hosts.ask('POST', 'sys/leases/revoke', { lease_id: other, sync: false })
    await expect
      .poll(() => stand.program('ssh', 'shop', 'true'), slowly)
      .toMatchObject({ code: 255, stderr: expect.stringContaining('the agent did not start: no role signs for you') })
    await stand.policy('engineer', { 'ssh/sign/ops': 'update', 'ssh/access': 'read' })
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
  })

  test('an agent whose token may not ask what became of its certificates keeps them', async () => {
    await stand.hosts.ask('POST', 'sys/policies/acl/silent', {
      policy: 'path "ssh/*" { capabilities = ["read", "update"] } path "sys/capabilities-self" { capabilities = ["update"] }'
    })
    const { auth } = await stand.hosts.ask('POST', 'auth/token/create', { policies: ['silent'], no_default_policy: true })
    const before = await activeLeases()
    process.kill(Number(readFileSync(own('agent.pid'), 'utf8')))
    await expect.poll(() => existsSync(own('agent.sock')), { timeout: 20_000 }).toBe(false)
    const env = { ...stand.env, MAYFLY_TOKEN: auth.client_token, MAYFLY_SSH_MOUNT: 'ssh', MAYFLY_SSH_ROLE: 'ops' }
    const started = await stand.mayfly(['ssh', 'agent', '--background'], env)
    expect(started).toMatchObject({ code: 0 })
    for (let i = 0; i < 4; i++) expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
    // One that was made to find out.
    expect((await activeLeases()).length - before.length).toBeLessThanOrEqual(2)
    process.kill(Number(readFileSync(own('agent.pid'), 'utf8')))
    await expect.poll(() => existsSync(own('agent.sock')), { timeout: 20_000 }).toBe(false)
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
  })

  test('an agent with a token that is over ends, and the same ssh starts one with a better', async () => {
    await stand.hosts.ask('POST', 'auth/token/revoke', { token: stand.env['MAYFLY_TOKEN'] })
    stand.env['MAYFLY_TOKEN'] = await stand.token('engineer')
    const before = readFileSync(own('agent.pid'), 'utf8')
    await expect.poll(async () => (await stand.program('ssh', 'shop', 'true')).code, slowly).toBe(0)
    expect(readFileSync(own('agent.pid'), 'utf8')).not.toBe(before)
  })

  test('an agent that was killed, and has left everything behind, is started anew', async () => {
    process.kill(Number(readFileSync(own('agent.pid'), 'utf8')), 'SIGKILL')
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
  })

  test('without the broker ssh goes on as without it', async () => {
    process.kill(Number(readFileSync(own('agent.pid'), 'utf8')))
    await expect.poll(() => existsSync(own('agent.sock')), { timeout: 20_000 }).toBe(false)
    const script = readFileSync(own('ensure'), 'utf8')
    writeFileSync(own('ensure'), script.replace(stand.hosts.broker.address, 'http://127.0.0.1:1'))
    const { code, stderr } = await stand.program('ssh', 'shop', 'true')
    expect([code, stderr]).toEqual([255, expect.stringContaining('the agent did not start')])
    const understood = await stand.program('ssh', '-G', 'shop')
    expect([understood.code, understood.stdout]).toEqual([0, expect.not.stringContaining('.mayfly')])
    writeFileSync(own('ensure'), script)
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
  })

  test('with files: a key that is there for a while, and another when its time comes', async () => {
    const set = await stand.mayfly(['ssh', 'setup', '--files', '--role', 'ops', '--ttl', '5m'])
    expect(set).toMatchObject({ code: 0, stdout: expect.stringContaining('from a file that is renewed as ssh starts') })
    expect(await stand.program('ssh', 'shop', 'echo', 'in')).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
    const serial = async () => (await stand.program('ssh-keygen', '-Lf', own('files/id-cert.pub'))).stdout.match(/Serial: (\d+)/)?.[1]
    const first = await serial()
    expect(lstatSync(own('files/id')).mode & 0o777).toBe(0o600)
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
    expect(await serial()).toBe(first)
    await stand.program('touch', '-d', '1 minute ago', own('fresh'))
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(0)
    expect(await serial()).not.toBe(first)
  })

  test('--undo leaves everything as it was', async () => {
    expect(await stand.mayfly(['ssh', 'setup', '--undo'])).toMatchObject({ code: 0, stdout: 'plain ssh is as it was before\n' })
    expect(readFileSync(config(), 'utf8')).toMatch(/^Host shop\n/)
    for (const name of ['config', 'ensure', 'known_hosts', 'files', 'fresh', 'agent.sock', 'agent.pid'])
      expect(existsSync(own(name))).toBe(false)
    expect((await stand.program('ssh', 'shop', 'true')).code).toBe(255)
    expect(await stand.mayfly(['ssh', 'setup', '--undo'])).toMatchObject({ code: 0, stdout: 'there was nothing to undo\n' })
  })
})
