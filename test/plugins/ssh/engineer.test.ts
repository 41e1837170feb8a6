/** `mayfly ssh`, by a real ssh on a real sshd. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { EngineerStand } from './engineer-stand.ts'

describe.skipIf(missing(sshdMissing()))('mayfly ssh', () => {
  let stand: EngineerStand
  let user: string
  const held = async (): Promise<readonly Record<string, any>[]> => {
    const { status, json } = await stand.hosts.broker.ask('GET', 'sys/holdings?mount=ssh')
    return status === 404 ? [] : json['data'].holdings.filter((lease: Record<string, any>) => lease['visible'].cert_type === 'user')
  }

  const active = async (): Promise<number> => (await held()).filter(({ state }) => state === 'active').length

  beforeAll(async () => {
    stand = await EngineerStand.open()
    user = stand.hosts.sshd.user
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  test('logs in, with a role that nobody had to name and a host key that nobody had to confirm', async () => {
    const { code, stdout, stderr } = await stand.mayfly(['ssh', ...stand.destination, 'echo', 'in as $USER; exit 7'])
    expect([code, stdout, stderr]).toEqual([7, `in as ${user}\n`, ''])
    const [lease] = await held()
    expect(lease).toMatchObject({ role: 'ops', visible: { principals: user } })
    // The socket is gone with it.
    expect(readdirSync(stand.home).filter(name => name.startsWith('mayfly-ssh-'))).toEqual([])
  })

  test('revokes at its end, where it was told so', async () => {
    const before = (await held()).length
    const { code, stderr } = await stand.mayfly(['ssh', '--revoke-on-exit', '--verbose', ...stand.destination, 'true'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(`^${user} at 127.0.0.1: serial \\d+ of role ops, for ${user}, until `)])
    await expect.poll(async () => (await held()).filter(({ state }) => state === 'active').length).toBe(before)
  })

  test('revokes also where ssh could not even begin', async () => {
    const before = await active()
    const nowhere = { XDG_RUNTIME_DIR: '/nowhere', TMPDIR: '/nowhere' }
    const { code, stderr } = await stand.mayfly(['ssh', '--revoke-on-exit', '--verbose', ...stand.destination, 'true'], nowhere)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/serial \d+ of role ops, for \S+, until [\dT:-]{19}Z$/m)])
    expect(await active()).toBe(before)
  })

  test('nothing that ssh starts, or sends to a host, finds the token', async () => {
    const file = `${stand.home}/environment`
    const local = ['-o', 'PermitLocalCommand=yes', '-o', `LocalCommand=env > ${file}`]
    expect((await stand.mayfly(['ssh', ...local, ...stand.destination, 'true'])).code).toBe(0)
    const seen = readFileSync(file, 'utf8')
    expect(seen).toContain(`HOME=${stand.home}`)
    expect(seen).not.toContain('TOKEN')
    expect(seen).not.toContain(stand.env['MAYFLY_TOKEN'])
  })

  test('follows the user’s own configuration, with its aliases', async () => {
    stand.configure(`Host shop\n  HostName 127.0.0.1\n  Port ${stand.hosts.sshd.port}\n  User ${user}\n  IdentitiesOnly yes\n`)
    expect(await stand.mayfly(['ssh', 'shop', 'echo', 'here'])).toMatchObject({ code: 0, stdout: 'here\n' })
    stand.configure('')
  })

  test('asks for what the account takes at this host, by the name that the host has there', async () => {
    await stand.hosts.ask('POST', 'ssh/roles/named', { key_type: 'ca', allow_user_certificates: true, allowed_users: 'team,other' })
    await stand.hosts.ask('POST', 'ssh/hosts/web1', { accounts: { [user]: 'team' } })
    await stand.policy('named', { 'ssh/sign/named': 'update', 'ssh/access': 'read' })
    const env = { MAYFLY_TOKEN: await stand.token('named') }
    const { code, stderr } = await stand.mayfly(['ssh', '--verbose', ...stand.destination, 'true'], env)
    expect([code, stderr]).toEqual([0, expect.stringContaining('of role named, for team, until')])
    await stand.hosts.ask('POST', 'ssh/hosts/web1', { accounts: {} })
    const refused = await stand.mayfly(['ssh', ...stand.destination, 'true'], env)
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no role signs for ${user} at 127.0.0.1; for you there are: named (team, other)`)
    })
  })

  test('where several roles sign, wants one to be named, and takes the one that names the account before one for anybody', async () => {
    await stand.hosts.ask('POST', 'ssh/roles/mine', { key_type: 'ca', allow_user_certificates: true, allowed_users: user })
    await stand.hosts.ask('POST', 'ssh/roles/also', { key_type: 'ca', allow_user_certificates: true, allowed_users: user })
    const some = async (...roles: readonly string[]) => {
      await stand.policy('some', { 'ssh/access': 'read', ...Object.fromEntries(roles.map(role => [`ssh/sign/${role}`, 'update'])) })
      return { MAYFLY_TOKEN: await stand.token('some') }
    }
    const verbose = ['ssh', '--verbose', ...stand.destination, 'true']
    expect((await stand.mayfly(verbose, await some('ops', 'mine'))).stderr).toContain('of role mine')
    const two = await some('also', 'mine')
    expect(await stand.mayfly(verbose, two)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`several roles sign for ${user}: also of ssh/, mine of ssh/; choose one with --role`)
    })
    expect((await stand.mayfly(verbose, { ...two, MAYFLY_SSH_ROLE: 'also' })).stderr).toContain('of role also')
  })

  test('without a right to read `access` takes the role that the policies name, and the known hosts of the user', async () => {
    await stand.policy('bare', { 'ssh/sign/ops': 'update' })
    const env = { MAYFLY_TOKEN: await stand.token('bare') }
    expect((await stand.mayfly(['ssh', ...stand.destination, 'true'], env)).stderr).toContain('Host key verification failed')
    const { code, stdout, stderr } = await stand.mayfly(['ssh', '-o', 'StrictHostKeyChecking=no', ...stand.destination, 'echo', 'in'], env)
    expect([code, stdout, stderr]).toEqual([0, 'in\n', ''])
    expect((await stand.mayfly(['ssh', ...stand.destination], { MAYFLY_TOKEN: await stand.token('default') })).stderr).toContain(
      '--mount names one'
    )
  })

  test('says which certificate a host did not take', async () => {
    const [port, number] = stand.destination
    const refused = await stand.mayfly(['ssh', port!, number!, 'nobody-here@127.0.0.1', 'true'])
    expect(refused).toMatchObject({
      code: 255,
      stderr: expect.stringMatching(
        /Permission denied[^]*127\.0\.0\.1 did not take serial \d+ of role ops, for nobody-here: it may have no account nobody-here/
      )
    })
    const closed = await stand.mayfly(['ssh', '-p', '1', `${user}@127.0.0.1`, 'true'])
    expect(closed).toMatchObject({ code: 255, stderr: expect.not.stringContaining('did not take') })
  })

  test('says in one line why it cannot, and makes nothing', async () => {
    const before = (await held()).length
    expect(await stand.mayfly(['ssh'])).toMatchObject({ code: 1, stderr: expect.stringContaining('mayfly ssh user@host') })
    expect(await stand.mayfly(['ssh', '-p', 'x', 'host'])).toMatchObject({ code: 1, stderr: expect.stringContaining("Bad port 'x'") })
    expect(await stand.mayfly(['ssh', ...stand.destination], { MAYFLY_TOKEN: 'nobody' })).toMatchObject({
      code: expect.any(Number),
      stdout: ''
    })
    const over = await stand.mayfly(['ssh', ...stand.destination], { MAYFLY_TOKEN: 's.over' })
    expect(over).toMatchObject({ code: 1, stderr: 'error: your token is over, or may do nothing here: `mayfly login` gives you another\n' })
    expect((await stand.mayfly(['ssh', 'ls'], { MAYFLY_TOKEN: '' })).stderr).toBe(
      'error: there is no token: `mayfly login` gives you one\n'
    )
    expect(await stand.mayfly(['ssh', '-V'])).toMatchObject({ code: 0, stderr: expect.stringContaining('OpenSSH') })
    expect((await held()).length).toBe(before)
  })
})
