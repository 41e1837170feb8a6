/** What `mayfly ssh setup` does to a configuration of ssh that is not the usual one, for a broker that is not the usual one. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commands } from '../../../plugins/ssh/commands.ts'
import type { Access, KnownHost } from '../../../plugins/ssh/engineer/access.ts'
import { IncludeLine } from '../../../plugins/ssh/engineer/include-line.ts'
import { trustedLines } from '../../../plugins/ssh/engineer/trusted-lines.ts'
import { programMissing } from '../../cli/program-missing.ts'
import { Shell } from '../../cli/shell.ts'
import { envelope, SmallServer } from '../../cli/small-server.ts'
import { missing } from '../../targets/missing.ts'

const caKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1CZ6UEm0HDg8JuMxbdKb5ZMXp7FtSIkaeVJMkSYyPn'

let shell: Shell
let server: SmallServer
const config = () => join(shell.home, '.ssh/config')
const line = () => new IncludeLine(shell.home, own('config'))
const own = (name: string) => join(shell.home, '.mayfly/ssh', name)
const known = () => readFileSync(own('known_hosts'), 'utf8')

beforeEach(async () => {
  shell = new Shell()
  server = await SmallServer.start()
  shell.plugins.push(...commands)
  mkdirSync(join(shell.home, '.ssh'), { mode: 0o700 })
  mkdirSync(join(shell.home, 'bin'))
  told([{ host: 'web1', names: ['web1', 'web1.example.com'], certified: true }])
  // ssh looks for its user's home in the list of accounts, not in HOME.
  ssh(`exec /usr/bin/ssh -F ${config()} "$@"`)
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

function told(hosts: readonly object[], keys: readonly string[] = [caKey]): void {
  server.answer = { body: envelope({ data: { roles: [], host_keys: keys, hosts } }) }
}

function ssh(script: string): void {
  writeFileSync(join(shell.home, 'bin/ssh'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(shell.home, 'bin/ssh'), 0o755)
}

describe.skipIf(missing(programMissing('ssh')))('mayfly ssh setup', () => {
  test('takes no pattern, and nothing that is no name of a host, from a broker', async () => {
    writeFileSync(config(), '')
    const names = ['*.com', '?ithub.com', '!web1', '*', 'x`id`', '-oProxyCommand=id', 'a b', 'a\nHost *', 'a,b', 'web1']
    told([
      { host: 'web1', names, certified: true },
      { host: '*.org', names: ['c.org'], certified: true }
    ])
    const { code, out } = await shell.run('ssh setup')
    expect([code, out]).toEqual([0, 'plain ssh logs in to web1 with certificates, from an agent that starts by itself\n'])
    expect(readFileSync(own('known_hosts'), 'utf8')).toMatch(/^@cert-authority web1 ssh-ed25519 \S+ mayfly\n$/)
    expect(readFileSync(own('config'), 'utf8')).toContain('Match host "web1" exec')
  })

  test('follows the keys of the broker through a rotation, and its hosts only as far as they were named', async () => {
    writeFileSync(config(), '')
    expect((await shell.run('ssh setup')).code).toBe(0)
    const trusts = (names: string, key = caKey) => `@cert-authority ${names} ${key} mayfly\n`
    expect(known()).toBe(trusts('web1,web1.example.com'))
    const next = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcOkNnVeJ1ZLxnQzDKmUPYcL7Ye6nTUSUO4yKmNJQzn'
    told(
      [
        { host: 'web1', names: ['web1', 'web1.example.com', 'github.com'], certified: true },
        { host: 'web2', names: ['web2'], certified: true }
      ],
      [caKey, next]
    )
    // There is no role, and so no certificate.
    expect((await shell.run('ssh certificate')).code).toBe(1)
    expect(known()).toBe(trusts('web1,web1.example.com') + trusts('web1,web1.example.com', next))
    expect((await shell.run('ssh setup *.example.com')).code).toBe(0)
    told([], [next])
    expect((await shell.run('ssh certificate')).code).toBe(1)
    expect(known()).toBe(trusts('*.example.com', next))
    server.answer = { status: 403, body: '{"errors":["permission denied"]}' }
    await shell.run('ssh certificate')
    expect(known()).toBe(trusts('*.example.com', next))
  })

  test('follows no other mount and no other broker, which are named for one certificate', async () => {
    writeFileSync(config(), '')
    expect((await shell.run('ssh setup *.example.com')).code).toBe(0)
    const was = known()
    told([], ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcOkNnVeJ1ZLxnQzDKmUPYcL7Ye6nTUSUO4yKmNJQzn'])
    for (const elsewhere of ['--mount=theirs', `--address=${server.address.replace('127.0.0.1', 'localhost')}`]) {
      expect((await shell.run(`ssh certificate ${elsewhere}`)).err).toContain('no role signs for you')
      expect(known()).toBe(was)
    }
  })

  test('goes with a configuration that knows no hosts of the machine’s', async () => {
    writeFileSync(config(), 'Host *\n  GlobalKnownHostsFile none\n')
    expect((await shell.run('ssh setup')).code).toBe(0)
    expect(readFileSync(own('config'), 'utf8')).toContain(`GlobalKnownHostsFile "${own('known_hosts')}"\n`)
  })

  test('leaves nothing in the way of an ssh that refuses what was written', async () => {
    writeFileSync(config(), 'Host shop\n')
    ssh(`grep -q mayfly ${config()} && { echo 'Bad configuration option' >&2; exit 255; }\nexec /usr/bin/ssh -F ${config()} "$@"`)
    const { code, err } = await shell.run('ssh setup')
    expect([code, err]).toEqual([1, expect.stringContaining('everything is as it was')])
    expect(readFileSync(config(), 'utf8')).toBe('Host shop\n')
    expect(existsSync(own('config'))).toBe(false)
  })

  test('takes files where no socket can be, and says so', async () => {
    writeFileSync(config(), '')
    const outer = shell.home
    const home = join(outer, 'a-long-name-of-a-home'.repeat(4))
    mkdirSync(home)
    symlinkSync(join(outer, '.ssh'), join(home, '.ssh'))
    Object.assign(shell, { home })
    const { code, out } = await shell.run('ssh setup')
    Object.assign(shell, { home: outer })
    expect([code, out]).toEqual([
      0,
      'plain ssh logs in to web1, web1.example.com with certificates, from a file that is renewed as ssh starts\n'
    ])
  })

  test('a second one at the same time, and one with old pieces about, end as one does', async () => {
    writeFileSync(config(), '# mine\r\nHost shop\r\n')
    const ran = await Promise.all([shell.run('ssh setup'), shell.run('ssh setup'), shell.run('ssh setup')])
    expect(ran.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(readFileSync(config(), 'utf8')).toBe(`Include "${own('config')}"\n# mine\r\nHost shop\r\n`)
    expect(readdirSync(join(shell.home, '.ssh'))).toEqual(['config'])
    expect((await shell.run('ssh setup --undo')).code).toBe(0)
    expect(readFileSync(config(), 'utf8')).toBe('# mine\r\nHost shop\r\n')
  })
})

const access = (mount: string, key: string, hosts: readonly KnownHost[]): Access => ({
  mount,
  told: true,
  roles: [],
  hostKeys: [key],
  hosts,
  principals: []
})

describe('whose word on a host key counts', () => {
  const otherKey = caKey.replace('IJ1C', 'IK1C')
  const both = [
    access('ssh', caKey, [
      { host: 'web1', names: ['web1.example.com'], certified: true },
      { host: 'old', names: ['old'], certified: false }
    ]),
    access('dev', otherKey, [{ host: 'dev1', names: ['dev1'], certified: true }])
  ]

  test('that of the mount that a host belongs to, for those that show a certificate', () => {
    expect(trustedLines(both, undefined)).toBe(
      `@cert-authority web1,web1.example.com ${caKey} mayfly\n@cert-authority dev1 ${otherKey} mayfly\n`
    )
  })

  test('for a pattern that was typed, of all that were asked', () => {
    expect(trustedLines(both, ['*.example.com'])).toBe(
      `@cert-authority *.example.com ${caKey} mayfly\n@cert-authority *.example.com ${otherKey} mayfly\n`
    )
  })
})

describe('the line in a configuration', () => {
  test('leaves every byte beside it, and who may read it, as it was', () => {
    const before = Buffer.from([0x23, 0xfc, 0xff, 0x0a, 0x48, 0x6f, 0x73, 0x74, 0x20, 0x61, 0x0d, 0x0a, 0x23, 0xc3, 0xbc])
    writeFileSync(config(), before, { mode: 0o640 })
    chmodSync(config(), 0o640)
    expect(line().put()).toBe(true)
    expect(line().put()).toBe(false)
    expect(readFileSync(config()).equals(Buffer.concat([Buffer.from(`Include "${own('config')}"\n`), before]))).toBe(true)
    expect(statSync(config()).mode & 0o777).toBe(0o640)
    expect(line().remove()).toBe(true)
    expect(readFileSync(config()).equals(before)).toBe(true)
  })

  test('is written where a link leads to, and a link that leads nowhere is told and kept', () => {
    writeFileSync(join(shell.home, 'dotfiles'), 'Host a\n')
    symlinkSync('../dotfiles', config())
    line().put()
    expect(lstatSync(config()).isSymbolicLink()).toBe(true)
    expect(readFileSync(join(shell.home, 'dotfiles'), 'utf8')).toMatch(/^Include .*\nHost a\n$/)

    const other = join(shell.home, 'other')
    mkdirSync(join(other, '.ssh'), { recursive: true })
    symlinkSync('/nowhere/config', join(other, '.ssh/config'))
    expect(() => new IncludeLine(other, own('config')).put()).toThrow(/config: cannot be written \(ENOENT\)/)
    expect(lstatSync(join(other, '.ssh/config')).isSymbolicLink()).toBe(true)
  })

  test('knows itself behind an editor that ends lines in another way', () => {
    writeFileSync(config(), `Include "${own('config')}"\r\nHost a\r\n`)
    expect(line().remove()).toBe(true)
    expect(readFileSync(config(), 'utf8')).toBe('Host a\r\n')
  })
})
