/** `mayfly ssh setup '*.x' '!secret.x'`: what is refused gets nothing of ours, whatever it is called. Asked of the real ssh. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { spawnSync } from 'node:child_process'
import { commands } from '../../../plugins/ssh/commands.ts'
import { programMissing } from '../../cli/program-missing.ts'
import { Shell } from '../../cli/shell.ts'
import { envelope, SmallServer } from '../../cli/small-server.ts'
import { missing } from '../../targets/missing.ts'

const caKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1CZ6UEm0HDg8JuMxbdKb5ZMXp7FtSIkaeVJMkSYyPn'

let shell: Shell
let server: SmallServer
const own = (name: string) => join(shell.home, '.mayfly/ssh', name)
const config = () => join(shell.home, '.ssh/config')

beforeEach(async () => {
  shell = new Shell()
  server = await SmallServer.start()
  shell.plugins.push(...commands)
  mkdirSync(join(shell.home, '.ssh'), { mode: 0o700 })
  mkdirSync(join(shell.home, 'bin'))
  // ssh looks for its user's home in the list of accounts, not in HOME.
  writeFileSync(join(shell.home, 'bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${config()} "$@"\n`)
  chmodSync(join(shell.home, 'bin/ssh'), 0o755)
  Object.assign(shell.env, {
    PATH: `${shell.home}/bin:${process.env['PATH']}`,
    HOME: shell.home,
    MAYFLY_ADDR: server.address,
    MAYFLY_TOKEN: 's.mine',
    MAYFLY_SSH_MOUNT: 'ssh'
  })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  shell[Symbol.dispose]()
})

function given(ssh: string, hosts: readonly (readonly [string, ...string[]])[]): void {
  writeFileSync(config(), ssh)
  const shown = hosts.map(names => ({ host: names[0], names, certified: true }))
  server.answer = { body: envelope({ data: { roles: [], host_keys: [caKey], hosts: shown } }) }
}

/** Those for which ssh would ask our agent. */
function served(...names: readonly string[]): readonly string[] {
  const env = { ...shell.env, MAYFLY_SSH_INSIDE: 'check' }
  return names.filter(name => spawnSync('ssh', ['-G', name], { env, encoding: 'utf8' }).stdout.includes(own('agent.sock')))
}

const setup = async (...patterns: readonly string[]) => {
  const { code, out, err } = await shell.run(['ssh setup', ...patterns].join(' '))
  expect([code, err]).toEqual([0, expect.stringContaining('new first line')])
  return out
}

describe.skipIf(missing(programMissing('ssh')))('a host that is refused', () => {
  test('gets nothing behind its alias, nor under another one', async () => {
    given(
      `Host secret.x
  HostName 10.0.0.9
Host db.x DB2.x
  HostName 10.0.0.9
Host web.x w
  HostName 10.0.0.8
`,
      [['10.0.0.9'], ['10.0.0.8']]
    )
    expect(await setup('*.x', '!secret.x')).toBe(
      'plain ssh logs in to *.x, 10.0.0.8, web.x, w, not to secret.x, db.x, db2.x, with certificates, from an agent that starts by itself\n'
    )
    expect(served('a.x', 'web.x', 'w', '10.0.0.8')).toEqual(['a.x', 'web.x', 'w', '10.0.0.8'])
    expect(served('secret.x', 'SECRET.x', 'db.x', 'db2.x', '10.0.0.9', 'me@secret.x')).toEqual([])
    expect(readFileSync(own('known_hosts'), 'utf8')).toMatch(/^@cert-authority \*\.x,10\.0\.0\.8,!secret\.x,!db\.x,!db2\.x /)
  })

  test('is refused by the name that it has at the broker, and by the address that it is connected to', async () => {
    given('Host one.x\n  HostName 10.0.0.9\n', [
      ['vault', 'vault.x', '10.0.0.9'],
      ['web', 'web.x']
    ])
    await setup('*.x', '!10.0.0.9')
    expect(served('one.x', 'vault.x', 'vault', '10.0.0.9', 'web.x')).toEqual(['web.x'])
    await shell.run('ssh setup --undo')
    await setup('*.x', '10.*', '!vault')
    expect(served('one.x', 'vault.x', '10.0.0.9', '10.0.0.8', 'web.x')).toEqual(['10.0.0.8', 'web.x'])
  })

  test('is not the other one behind the same address, at another port', async () => {
    given('Host a.x\n  HostName 127.0.0.1\n  Port 2201\nHost b.x\n  HostName 127.0.0.1\n  Port 2202\n', [['127.0.0.1'], ['web.x']])
    await setup('*.x', '!b.x')
    expect(served('a.x', 'b.x', '127.0.0.1')).toEqual(['a.x'])
  })

  test('is no jump host of ours either', async () => {
    given('Host in.x\n  ProxyJump bastion.y\nHost *.y\n  User ops\n', [['bastion.y'], ['in.x']])
    await setup('*.x')
    expect(served('bastion.y')).toEqual(['bastion.y'])
    await shell.run('ssh setup --undo')
    await setup('*.x', '!bastion.y')
    expect(served('in.x', 'bastion.y')).toEqual(['in.x'])
  })

  test('alone is taken from what the broker knows; and of nothing there is nothing to set up', async () => {
    given('', [
      ['web', 'web.x'],
      ['vault', 'vault.x']
    ])
    expect(await setup('!vault.x')).toMatch(/^plain ssh logs in to web, web\.x, not to vault\.x, with/)
    expect(served('web', 'web.x', 'vault', 'vault.x')).toEqual(['web', 'web.x'])
    expect((await shell.run('ssh setup web.x !web')).err).toContain('every host that is named is also refused')
  })
})

describe.skipIf(missing(programMissing('ssh')))('an ssh that reads another configuration', () => {
  test('is named with its file, and what to do', async () => {
    given('Host shop\n', [['web']])
    writeFileSync(join(shell.home, 'bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F none "$@"\n`)
    const home = userInfo().homedir
    const { code, err } = await shell.run('ssh setup')
    expect([code, err]).toEqual([
      1,
      `error: ssh reads ${home}/.ssh/config, by the list of accounts, and HOME is ${shell.home}: everything is as it was; call it as HOME=${home} mayfly ssh setup, or use mayfly ssh, which works here too\n`
    ])
    expect(readFileSync(config(), 'utf8')).toBe('Host shop\n')
    expect(existsSync(own('config'))).toBe(false)
  })
})
