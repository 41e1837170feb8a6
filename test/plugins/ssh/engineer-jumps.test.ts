/** Over jump hosts, by a real ssh, two real sshds, and the accounts that each of them has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { SshdServer } from '../../targets/sshd-server.ts'
import { EngineerStand } from './engineer-stand.ts'

/** Which certificates it has let in. */
const seen = ({ log }: SshdServer): readonly string[] => [...log.matchAll(/Accepted publickey .* \(serial (\d+)\)/g)].map(([, one]) => one!)

describe.skipIf(missing(sshdMissing()))('mayfly ssh over a jump host', () => {
  let stand: EngineerStand
  let bastion: SshdServer

  beforeAll(async () => {
    stand = await EngineerStand.open()
    bastion = await SshdServer.start()
    const { hosts } = stand
    await hosts.ask('POST', 'ssh/hosts/bastion', { names: 'bastion', accounts: { [bastion.user]: 'passing' } })
    await hosts.ask('POST', 'ssh/hosts/web1', { accounts: { [bastion.user]: 'team' } })
    await hosts.ask('POST', 'ssh/roles/inside', { key_type: 'ca', allow_user_certificates: true, allowed_users: 'team' })
    await hosts.ask('POST', 'ssh/roles/way', {
      key_type: 'ca',
      allow_user_certificates: true,
      allowed_users: 'passing',
      allowed_extensions: 'permit-port-forwarding,permit-pty',
      default_extensions: { 'permit-pty': '' }
    })
    const { data } = await hosts.ask('POST', 'ssh/hosts/bastion/token', {})
    const here = ['--prefix', bastion.folder, '--host', 'bastion', '--log', bastion.logFile]
    const enrolled = await hosts.runWith({ mayfly_token: data.token }, 'enroll', ...hosts.enrolment, ...here)
    if (enrolled.code !== 0) throw new Error(enrolled.stderr)
    await hosts.run('sync')
    stand.configure(hostsOf(''))
    stand.env['MAYFLY_TOKEN'] = await engineer('inside', 'way')
  })
  afterAll(async () => {
    await stand.mayfly(['ssh', 'setup', '--undo'])
    await bastion[Symbol.asyncDispose]()
    await stand[Symbol.asyncDispose]()
  })

  const hostsOf = (way: string): string => `
Host bastion
  HostName 127.0.0.1
  HostKeyAlias bastion
  Port ${bastion.port}
Host inner
  HostName 127.0.0.1
  Port ${stand.hosts.sshd.port}
  ${way}
`

  async function engineer(...roles: readonly string[]): Promise<string> {
    const name = `of-${roles.join('-')}`
    await stand.policy(name, { 'ssh/access': 'read', ...Object.fromEntries(roles.map(role => [`ssh/sign/${role}`, 'update'])) })
    return await stand.token(name)
  }

  const held = async (role: string): Promise<readonly Record<string, any>[]> => {
    const { json } = await stand.hosts.broker.ask('GET', `sys/holdings?role=${role}`)
    return json['data']?.holdings ?? []
  }

  const active = async (): Promise<number> =>
    [...(await held('way')), ...(await held('inside'))].filter(({ state }) => state === 'active').length

  test('each host gets a certificate for its own account, and the one on the way no more than it needs', async () => {
    const { code, stdout, stderr } = await stand.mayfly(['ssh', '--verbose', '-J', 'bastion', 'inner', 'echo', 'in'])
    expect([code, stdout]).toEqual([0, 'in\n'])
    expect(stderr).toMatch(
      /^\w+ at bastion: serial \d+ of role way, for passing, until .*\n\w+ at 127\.0\.0\.1: serial \d+ of role inside, for team, until .*\n$/
    )
    const [way, inside] = [...stderr.matchAll(/serial (\d+)/g)].map(([, serial]) => serial)
    expect([seen(bastion), seen(stand.hosts.sshd)]).toEqual([[way], [inside]])
    expect((await held('way'))[0]).toMatchObject({ visible: { principals: 'passing', serial: way } })
  })

  test('the way may stand in the configuration, or lead over several hosts, with options and commands where ssh takes them', async () => {
    stand.configure(hostsOf('ProxyJump bastion'))
    expect(await stand.mayfly(['ssh', 'inner', 'echo', 'in'])).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
    stand.configure(hostsOf(''))
    const user = bastion.user
    const inner = `${user}@127.0.0.1:${stand.hosts.sshd.port}`
    const before = [seen(bastion).length, seen(stand.hosts.sshd).length]
    // inside gives no port forwarding where it is not asked for.
    await stand.hosts.ask('POST', 'ssh/roles/inside', {
      key_type: 'ca',
      allow_user_certificates: true,
      allowed_users: 'team',
      allowed_extensions: 'permit-port-forwarding'
    })
    const over = await stand.mayfly(['ssh', 'bastion', '-4J', `bastion,ssh://${inner}`, '-l', user, 'echo', '-J', 'in'])
    expect(over).toEqual({ code: 0, stdout: '-J in\n', stderr: '' })
    expect([seen(bastion).length - before[0]!, seen(stand.hosts.sshd).length - before[1]!]).toEqual([2, 1])
  })

  test('-F and its absence hold for the hosts on the way as well', async () => {
    stand.configure('')
    expect((await stand.mayfly(['ssh', '-J', 'bastion', 'inner', 'true'])).code).toBe(1)
    stand.configure(hostsOf(''))
    expect((await stand.mayfly(['ssh', '-F', `${stand.home}/.ssh/config`, '-J', 'bastion', 'inner', 'true'])).code).toBe(0)
  })

  test('where no role signs for the host on the way, the user’s own keys go on, and a failure says why there was none', async () => {
    const env = { MAYFLY_TOKEN: await engineer('inside') }
    const refused = await stand.mayfly(['ssh', '-J', 'bastion', 'inner', 'true'], env)
    expect(refused).toMatchObject({ code: 255, stderr: expect.stringContaining(`Permission denied`) })
    expect(refused.stderr).toContain(`no certificate for the jump host bastion: no role signs for ${bastion.user} at bastion`)
  })

  test('says of a way that is a command that it got no certificate', async () => {
    stand.configure(hostsOf('ProxyCommand ssh -W %h:%p bastion'))
    const refused = await stand.mayfly(['ssh', 'inner', 'true'])
    stand.configure(hostsOf(''))
    expect(refused).toMatchObject({ code: 255, stderr: expect.stringContaining('the way to 127.0.0.1 is a ProxyCommand') })
  })

  test('revokes all of them at its end', async () => {
    const before = await active()
    expect((await stand.mayfly(['ssh', '--revoke-on-exit', '-J', 'bastion', 'inner', 'true'])).code).toBe(0)
    expect(await active()).toBe(before)
  })

  test('plain ssh jumps as well, after setup', async () => {
    await stand.hosts.ask('POST', 'ssh/roles/way', {
      key_type: 'ca',
      allow_user_certificates: true,
      allowed_users: 'passing',
      default_extensions: { 'permit-port-forwarding': '' }
    })
    stand.configure(hostsOf('ProxyJump bastion'))
    const set = await stand.mayfly(['ssh', 'setup'])
    expect([set.code, set.stdout]).toEqual([0, expect.stringContaining('bastion')])
    const { code, stdout, stderr } = await stand.program('ssh', 'inner', 'echo', 'in')
    expect([code, stdout, stderr]).toEqual([0, 'in\n', ''])
  })

  test('and where only the host behind it was named, as far as the broker knows who is on the way', async () => {
    stand.configure(`${hostsOf('ProxyJump bastion')}Host inner2\n  ProxyJump elsewhere.example.org\n`)
    const set = await stand.mayfly(['ssh', 'setup', 'in*'])
    expect([set.code, set.stdout]).toEqual([0, expect.stringMatching(/^plain ssh logs in to in\*, 127\.0\.0\.1, bastion\b/)])
    expect(await stand.program('ssh', 'inner', 'echo', 'in')).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
  })
})
