/** What an engineer's commands keep in `~/.mayfly/ssh`, when several run at once or one was killed. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commands } from '../../plugins/ssh/commands.ts'
import { AgentSocket } from '../../plugins/ssh/engineer/agent/agent-socket.ts'
import { endResident, serveResident } from '../../plugins/ssh/engineer/resident-agent.ts'
import { ensureText } from '../../plugins/ssh/engineer/setup-files.ts'
import { SshFolder } from '../../plugins/ssh/engineer/ssh-folder.ts'
import { parseCertificateLine } from '../../plugins/ssh/format/parse-certificate.ts'
import { Shell } from '../cli/shell.ts'
import { serveInMemory } from '../wire/serve-in-memory.ts'
import type { Served } from '../wire/serve-in-memory.ts'

const noKeys = { list: () => Promise.resolve([]) }
let shell: Shell
let folder: SshFolder

beforeEach(() => {
  shell = new Shell()
  shell.plugins.push(...commands)
  folder = new SshFolder({ homeDir: shell.home })
  folder.made()
})
afterEach(() => shell[Symbol.dispose]())

async function brokerWithRole(): Promise<Served> {
  const broker = await serveInMemory()
  await broker.ask('POST', 'sys/mounts/ssh', { type: 'ssh' })
  await broker.ask('POST', 'ssh/config/ca', {})
  const role = { key_type: 'ca', allow_user_certificates: true, allowed_users: 'deploy', default_user: 'deploy', ttl: '10m' }
  await broker.ask('POST', 'ssh/roles/ops', role)
  return broker
}

describe('a key in files', () => {
  test('is of a role that is named, also where a policy has a pattern and the mount says nothing of itself', async () => {
    await using broker = await brokerWithRole()
    await broker.ask('POST', 'sys/policies/acl/signs', { policy: 'path "ssh/sign/*" { capabilities = ["update"] }' })
    const { json } = await broker.ask('POST', 'auth/token/create', { policies: ['signs'] })
    Object.assign(shell.env, { MAYFLY_ADDR: broker.address, MAYFLY_TOKEN: json['auth'].client_token })
    expect(await shell.run('ssh certificate --role ops')).toMatchObject({
      code: 0,
      out: expect.stringContaining('of role ops, for deploy')
    })
    expect(await shell.run('ssh certificate --role none')).toMatchObject({ code: 2, out: '' })
    expect((await shell.run('ssh certificate')).code).toBe(1)
  })

  test('leaves the pair of a run beside it, which is about to be linked, and takes one that was left behind', async () => {
    await using broker = await brokerWithRole()
    Object.assign(shell.env, { MAYFLY_ADDR: broker.address, MAYFLY_TOKEN: broker.root })
    for (const name of ['pair-young1', 'pair-old001']) mkdirSync(folder.file(name))
    const past = Date.now() / 1_000 - 120
    utimesSync(folder.file('pair-old001'), past, past)

    const ran = await Promise.all([1, 2, 3].map(() => shell.run('ssh certificate')))
    expect(ran.map(({ code, err }) => [code, err])).toEqual(ran.map(() => [0, '']))
    expect(readdirSync(folder.path)).toContain('pair-young1')
    expect(readdirSync(folder.path)).not.toContain('pair-old001')
    const { principals } = parseCertificateLine(readFileSync(folder.file('files', 'id-cert.pub'), 'utf8'))
    expect([principals, existsSync(folder.file('files', 'id'))]).toEqual([['deploy'], true])
  })

  test('is made anew where it is gone, however long it would have been fresh', () => {
    const made = folder.file('made')
    const setUp = { way: 'files', patterns: ['web1'], globalKnownHosts: '', words: [] } as const
    writeFileSync(folder.file('ensure'), ensureText(folder, { ...setUp, program: ['sh', '-c', `touch '${made}'`, 'sh'] }))
    const asks = () => {
      rmSync(made, { force: true })
      expect(spawnSync('sh', [folder.file('ensure')]).status).toBe(0)
      return existsSync(made)
    }
    const later = Date.now() / 1_000 + 300
    writeFileSync(folder.file('fresh'), '')
    utimesSync(folder.file('fresh'), later, later)
    expect(asks()).toBe(true)
    mkdirSync(folder.file('files'))
    writeFileSync(folder.file('files', 'id-cert.pub'), '')
    expect(asks()).toBe(false)
  })
})

describe('the agent behind plain ssh', () => {
  test.each(['', '0', '-1', 'x', '1e3', `${process.pid}x`])('is not ended by a number that is none of a process: %j', async text => {
    await using _ = await AgentSocket.listen(folder.agentSocket, noKeys)
    writeFileSync(folder.agentPid, text)
    expect(await endResident(folder)).toBe(false)
  })

  test('that has the socket has the last word on its number', async () => {
    const ended = new AbortController()
    const serving = serveResident(folder, noKeys, { idleMs: 60_000, ended })
    await expect.poll(() => existsSync(folder.agentPid)).toBe(true)
    writeFileSync(join(folder.path, 'agent.pid'), '999999999\n')
    await expect.poll(() => readFileSync(folder.agentPid, 'utf8'), { timeout: 20_000 }).toBe(`${process.pid}\n`)
    ended.abort()
    await serving
    expect(existsSync(folder.agentPid)).toBe(false)
  })
})
