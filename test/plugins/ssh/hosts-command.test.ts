/** `mayfly ssh enroll`, on the host itself and over a real ssh. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands } from '../../../plugins/ssh/commands.ts'
import { Shell } from '../../cli/shell.ts'
import { missing } from '../../targets/missing.ts'
import { makeKey, sshdMissing } from '../../targets/sshd-programs.ts'
import { SshdServer } from '../../targets/sshd-server.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served } from '../../wire/serve-in-memory.ts'

describe.skipIf(missing(sshdMissing()))('mayfly ssh enroll', () => {
  let broker: Served
  let sshd: SshdServer
  const shell = new Shell()
  shell.plugins.push(...commands)
  const host = (): readonly string[] => ['--prefix', sshd.folder, '--log', sshd.logFile, '--without-helper']
  const mayfly = (...words: readonly string[]) => shell.run(words)
  const shown = async (name: string) => (await broker.ask('GET', `ssh/hosts/${name}`)).json['data']

  beforeAll(async () => {
    broker = await serveInMemory()
    const keys = join(shell.home, 'keys')
    sshd = await SshdServer.start([`AuthorizedKeysFile ${keys}`])
    await broker.ask('POST', 'sys/mounts/ssh', { type: 'ssh' })
    await broker.ask('POST', 'ssh/config/ca', {})
    // The user's own ssh, with the user's own configuration.
    makeKey(join(shell.home, 'id'))
    writeFileSync(keys, readFileSync(join(shell.home, 'id.pub')))
    const config = `Host *\n  Port ${sshd.port}\n  IdentityFile ${shell.home}/id\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n`
    writeFileSync(join(shell.home, 'config'), config)
    mkdirSync(join(shell.home, 'bin'))
    writeFileSync(join(shell.home, 'bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${shell.home}/config "$@"\n`)
    chmodSync(join(shell.home, 'bin/ssh'), 0o755)
    Object.assign(shell.env, { MAYFLY_ADDR: broker.address, MAYFLY_TOKEN: broker.root, PATH: `${shell.home}/bin:${process.env['PATH']}` })
  })
  afterAll(async () => {
    await sshd[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
    shell[Symbol.dispose]()
  })

  test('shows first what it would do, and does nothing of it', async () => {
    const { code, out, err } = await mayfly('ssh', 'enroll', '--host', 'web1', ...host(), '--dry-run')
    expect([code, err]).toEqual([0, expect.stringContaining('dry run: nothing was changed')])
    expect(out).toMatch(/^\+RevokedKeys .*\/etc\/ssh\/mayfly\/krl$/m)
    // A file that is there already shows under its own name.
    expect(out).not.toMatch(/\\t|\/files\//)
    expect(existsSync(join(sshd.folder, 'etc/ssh/mayfly'))).toBe(false)
    expect(await shown('web1')).toBe(undefined)
  })

  test('over ssh, with an administrator’s token: the host is named, invited and enrolled', async () => {
    const via = `${sshd.user}@127.0.0.1`
    const { code, out, err } = await mayfly('ssh', 'enroll', '--via', via, '--host', 'web1', '--name', 'web1.example.com', ...host())
    expect(out).not.toContain('{')
    expect([code, err]).toEqual([0, expect.stringMatching(/^mayfly-host: enrolled: serial \d+, KRL \d+$/m)])
    expect(await shown('web1')).toMatchObject({ enrolled: true, names: ['web1', 'web1.example.com'] })

    expect((await mayfly('ssh', 'unenroll', '--via', via, '--prefix', sshd.folder)).code).toBe(0)
    expect(await shown('web1')).toBe(undefined)
  })

  test('revoking says which host still lets a certificate in', async () => {
    expect((await mayfly('ssh', 'enroll', '--host', 'lags', ...host())).code).toBe(0)
    await broker.ask('POST', 'ssh/roles/people', { key_type: 'ca', allow_user_certificates: true, allowed_users: 'deploy' })
    const sign = async () =>
      (
        await broker.ask('POST', 'ssh/sign/people', {
          public_key: readFileSync(join(shell.home, 'id.pub'), 'utf8'),
          valid_principals: 'deploy'
        })
      ).json['lease_id'] as string
    const named = [['-prefix', 'ssh/sign'], ['-holder', 'root'], []]
    for (const words of named) {
      const lease = await sign()
      const { code, out, err } = await mayfly('lease', 'revoke', '-sync', ...(words.length === 0 ? [lease] : words))
      expect([code, out]).toEqual([0, expect.stringMatching(/^revoked: /)])
      // A moment later the list is there, and the host that does not take it is named.
      expect(err).toMatch(/^warning: not out everywhere yet: (the list of revoked|hosts that do not run) .*shows it until it is over\)\n$/)
    }
    expect((await mayfly('ssh', 'unenroll', '--prefix', sshd.folder)).code).toBe(0)
  })

  test('on the host, with a token in a file and no right at the broker, once', async () => {
    await broker.ask('POST', 'ssh/hosts/web2', {})
    const token = (await broker.ask('POST', 'ssh/hosts/web2/token', {})).json['data'].token as string
    const file = join(shell.home, 'token')
    writeFileSync(file, `${token}\n`)
    const enroll = ['ssh', 'enroll', '--host', 'web2', '--invitation', file, ...host()]
    expect(await shell.run(enroll, { env: { MAYFLY_TOKEN: '' } })).toMatchObject({ code: 0 })
    expect((await mayfly('ssh', 'unenroll', '--prefix', sshd.folder)).code).toBe(0)

    await broker.ask('POST', 'ssh/hosts/web2', {})
    const again = await shell.run(enroll, { env: { MAYFLY_TOKEN: '' } })
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('token: not a token for web2, or used, or expired')])
    expect(again.err).not.toContain(token)
  })

  test('and with a wrapped one', async () => {
    const reply = await fetch(`${broker.address}/v1/ssh/hosts/web2/token`, {
      method: 'POST',
      headers: { 'X-Vault-Token': broker.root, 'X-Vault-Wrap-TTL': '60' },
      body: '{}'
    })
    const { wrap_info } = (await reply.json()) as { wrap_info: { token: string } }
    const enroll = ['ssh', 'enroll', '--host', 'web2', '--invitation', '-', '--wrapped', ...host()]
    expect(await shell.run(enroll, { stdin: `${wrap_info.token}\n`, env: { MAYFLY_TOKEN: '' } })).toMatchObject({ code: 0 })
    expect(await shown('web2')).toMatchObject({ enrolled: true })
    expect((await mayfly('ssh', 'unenroll', '--prefix', sshd.folder)).code).toBe(0)
  })

  test('a configuration that sshd refuses changes nothing, and says so', async () => {
    writeFileSync(join(sshd.folder, 'etc/ssh/sshd_config.d/99-broken.conf'), 'NoSuchWord yes\n')
    const { code, err } = await mayfly('ssh', 'enroll', '--host', 'web3', ...host())
    expect([code, err]).toEqual([1, expect.stringMatching(/sshd refuses the configuration: .*NoSuchWord.*; nothing was changed/)])
    expect(existsSync(join(sshd.folder, 'etc/ssh/sshd_config.d/50-mayfly.conf'))).toBe(false)
  })
})
