/** What an engineer's commands keep in `~/.mayfly/ssh`, when several run at once or one was killed. */
import { spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { commands } from '../../../plugins/ssh/commands.ts'
import { AgentSocket } from '../../../plugins/ssh/engineer/agent/agent-socket.ts'
import type { HeldCertificate } from '../../../plugins/ssh/engineer/held-certificate.ts'
import { HeldRecords } from '../../../plugins/ssh/engineer/held-records.ts'
import { endResident, serveResident } from '../../../plugins/ssh/engineer/resident-agent.ts'
import { ResidentKeys } from '../../../plugins/ssh/engineer/resident-keys.ts'
import { ensureText } from '../../../plugins/ssh/engineer/setup-files.ts'
import { SshFolder } from '../../../plugins/ssh/engineer/ssh-folder.ts'
import { agentFrame } from '../../../plugins/ssh/format/agent-frames.ts'
import { parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { keyBlob } from '../../../plugins/ssh/format/public-key.ts'
import { signerOf } from '../../../plugins/ssh/format/signer.ts'
import type { AskingCall } from '../../../src/contracts/index.ts'
import { Shell } from '../../cli/shell.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served } from '../../wire/serve-in-memory.ts'
import { noKeygen } from './format/ssh-keygen.ts'

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

test('what a host calls itself comes into the words of an ssh only where it is the name of a host', () => {
  const records = new HeldRecords(folder)
  const keys = new ResidentKeys({ broker: { address: 'http://127.0.0.1:1' } } as unknown as AskingCall, records)
  const until = Date.now() + 600_000
  const lease = { lease: 'ssh/sign/ops/x', mount: 'ssh', role: 'ops', principals: ['deploy'], serial: '7', until }
  const login = (...principals: readonly string[]) =>
    keys.signed({ user: 'deploy' }, { ...lease, madeAt: Date.now() } as unknown as HeldCertificate, { certificate: { principals } })
  for (const name of ['x`id`', '$(id)', 'a b', '*', 'a;id', '-oProxyCommand=id', '']) login(name)
  expect(records.all(Date.now())).toEqual([])
  login('web1.example.com')
  expect(records.all(Date.now())).toMatchObject([{ lease: 'ssh/sign/ops/x', ways: [['deploy@web1.example.com']] }])
})

describe('the agent behind plain ssh', () => {
  test.each(['', '0', '-1', 'x', '1e3', `${process.pid}x`])('is not ended by a number that is none of a process: %j', async text => {
    await using _ = await AgentSocket.listen(folder.agentSocket, noKeys)
    writeFileSync(folder.agentPid, text)
    expect(await endResident(folder)).toBe(false)
  })

  test.skipIf(noKeygen)('is left alone by ensure as long as it has something to offer', async () => {
    const setUp = { way: 'agent', patterns: ['web1'], globalKnownHosts: '', words: [] } as const
    writeFileSync(folder.file('ensure'), ensureText(folder, { ...setUp, program: ['sh', '-c', 'exit 7', 'sh'] }))
    const asks = async () => await once(spawn('sh', [folder.file('ensure')], { stdio: 'ignore' }), 'exit')
    expect(await asks()).toEqual([7, null])
    const blob = keyBlob(signerOf(generateKeyPairSync('ed25519').privateKey).publicKey)
    let held: readonly HeldCertificate[] = [{ blob, role: 'ops', serial: '7' } as unknown as HeldCertificate]
    await using _ = await AgentSocket.listen(folder.agentSocket, { list: () => Promise.resolve(held) })
    expect(await asks()).toEqual([0, null])
    held = []
    expect(await asks()).toEqual([7, null])
  })

  test('keeps nobody waiting for a broker that does not answer', async () => {
    const call = { option: () => undefined, env: {}, read: () => new Promise(() => undefined), broker: { address: 'http://127.0.0.1:1' } }
    const keys = new ResidentKeys(call as unknown as AskingCall, new HeldRecords(folder), 50)
    expect(await keys.list()).toEqual([])
  })

  describe('of which another takes the place', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
    afterEach(() => void vi.useRealTimers())

    test('serves who is in the middle of a login to the end, and then ends', async () => {
      const first = serveOne()
      await expect.poll(() => existsSync(folder.agentPid)).toBe(true)
      const client = connect(folder.agentSocket)
      await once(client, 'connect')
      await answered(client)
      first.ino()
      const second = serveOne()
      await expect.poll(() => lstatSync(folder.agentSocket).ino !== first.ino()).toBe(true)
      vi.advanceTimersByTime(60_000)
      expect(first.ended.signal.aborted).toBe(false)
      await answered(client)
      client.destroy()
      await expect.poll(() => (vi.advanceTimersByTime(6_000), first.ended.signal.aborted)).toBe(true)
      second.ended.abort()
      await Promise.all([first.over, second.over])
    })

    test('has the last word on its number', async () => {
      const one = serveOne()
      await expect.poll(() => existsSync(folder.agentPid)).toBe(true)
      writeFileSync(folder.agentPid, '999999999\n')
      vi.advanceTimersByTime(6_000)
      expect(readFileSync(folder.agentPid, 'utf8')).toBe(`${process.pid}\n`)
      one.ended.abort()
      await one.over
      expect(existsSync(folder.agentPid)).toBe(false)
    })
  })
})

function serveOne() {
  const ended = new AbortController()
  const over = serveResident(folder, noKeys, { idleMs: 600_000, ended })
  let inode: number | undefined
  return { ended, over, ino: () => (inode ??= lstatSync(folder.agentSocket).ino) }
}

async function answered(client: Socket): Promise<void> {
  client.write(agentFrame(Buffer.of(11)))
  const [answer] = (await once(client, 'data')) as [Buffer]
  expect(answer.equals(agentFrame(Buffer.of(12, 0, 0, 0, 0)))).toBe(true)
}
