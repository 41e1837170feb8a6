/** What the agent of an engineer signs, and what it does not. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AgentSession } from '../../../plugins/ssh/engineer/agent/agent-session.ts'
import { AgentSocket } from '../../../plugins/ssh/engineer/agent/agent-socket.ts'
import type { HeldCertificate } from '../../../plugins/ssh/engineer/held-certificate.ts'
import { keyBlob } from '../../../plugins/ssh/format/public-key.ts'
import { isSignedBy } from '../../../plugins/ssh/format/signature.ts'
import { signCertificate } from '../../../plugins/ssh/format/sign-certificate.ts'
import { signerOf } from '../../../plugins/ssh/format/signer.ts'
import { WireReader } from '../../../plugins/ssh/format/wire-reader.ts'
import { WireWriter } from '../../../plugins/ssh/format/wire-writer.ts'
import { KeygenFolder, noKeygen } from './format/ssh-keygen.ts'

const ca = signerOf(generateKeyPairSync('ed25519').privateKey)
const host = signerOf(generateKeyPairSync('ed25519').privateKey)
const otherHost = signerOf(generateKeyPairSync('ed25519').privateKey)
const certificate = await held()
const sessionId = randomBytes(32)

const run = promisify(execFile)

const [failure, success] = [5, 6]
const list = Buffer.of(11)

async function held(): Promise<HeldCertificate> {
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey)
  const now = Math.floor(Date.now() / 1_000)
  const fields = {
    kind: 'user' as const,
    nonce: randomBytes(32),
    key: signer.publicKey,
    serial: 7n,
    keyId: 'alice',
    principals: ['deploy'],
    validAfter: BigInt(now - 30),
    validBefore: BigInt(now + 600),
    criticalOptions: new Map<string, string>(),
    extensions: new Map<string, string>()
  }
  const blob = await signCertificate(fields, ca)
  const [madeAt, until] = [now * 1_000, (now + 600) * 1_000]
  const said = { lease: 'ssh/sign/ops/x', mount: 'ssh', role: 'ops', principals: ['deploy'], extensions: [], serial: '7' }
  return { blob, signer, ...said, madeAt, until }
}

async function bind(id: Uint8Array, forwarding = false, hostKey = keyBlob(host.publicKey)): Promise<Buffer> {
  const writer = new WireWriter().byte(27).string('session-bind@openssh.com').string(hostKey).string(id)
  return writer
    .string(await host.sign(id))
    .boolean(forwarding)
    .finish()
}

function login({ id = sessionId, user = 'deploy', blob = certificate.blob, hostKey = undefined as Buffer | undefined } = {}): Buffer {
  const writer = new WireWriter().string(id).byte(50).string(user).string('ssh-connection')
  writer.string(hostKey ? 'publickey-hostbound-v00@openssh.com' : 'publickey').boolean(true)
  writer.string('ssh-ed25519-cert-v01@openssh.com').string(blob)
  return (hostKey ? writer.string(hostKey) : writer).finish()
}

const sign = (data: Uint8Array, blob: Uint8Array = certificate.blob): Buffer =>
  new WireWriter().byte(13).string(blob).string(data).uint32(0).finish()

const agent = (more: Partial<ConstructorParameters<typeof AgentSession>[0]> = {}): AgentSession =>
  new AgentSession({ list: () => Promise.resolve([certificate]), ...more })

/** What it answers to the last of these, as a number of the protocol. */
async function last(session: AgentSession, ...messages: readonly Uint8Array[]): Promise<number> {
  let answer: Buffer = Buffer.alloc(1)
  for (const message of messages) answer = await session.answer(message)
  return answer[0]!
}

describe('the agent signs', () => {
  test('a login with what it has listed, in a session that the host has signed', async () => {
    const session = agent()
    expect(await last(session, await bind(sessionId), list)).toBe(12)
    const answer = new WireReader(await session.answer(sign(login())), 'answer')
    expect(answer.byte('type')).toBe(14)
    expect(isSignedBy(certificate.signer.publicKey, login(), answer.string('signature'))).toBe(true)
    expect(await last(session, sign(login({ hostKey: keyBlob(host.publicKey) })))).toBe(14)
  })

  test('for a client that binds nothing, as those before 8.9', async () => {
    expect(await last(agent(), list, sign(login()))).toBe(14)
  })

  test('nothing that it has not listed to this client', async () => {
    expect(await last(agent(), sign(login()))).toBe(failure)
    const other = await held()
    expect(await last(agent(), list, sign(login({ blob: other.blob }), other.blob))).toBe(failure)
    expect(await last(agent(), list, sign(login({ blob: other.blob })))).toBe(failure)
  })

  test('for no other session, host or user than this one', async () => {
    const session = agent({ allows: ({ user }) => user === 'deploy' })
    expect(await last(session, await bind(sessionId), list, sign(login({ id: randomBytes(32) })))).toBe(failure)
    expect(await last(session, sign(login({ hostKey: keyBlob(otherHost.publicKey) })))).toBe(failure)
    expect(await last(session, sign(login({ user: 'root' })))).toBe(failure)
    expect(await last(session, sign(login()))).toBe(14)
  })

  test('nothing at all for whom it was forwarded to', async () => {
    const session = agent()
    expect(await last(session, await bind(sessionId), list)).toBe(12)
    expect(await last(session, await bind(randomBytes(32), true))).toBe(failure)
    expect(await last(session, sign(login()))).toBe(failure)
    expect((await session.answer(list)).equals(Buffer.of(12, 0, 0, 0, 0))).toBe(true)
    expect(await last(session, await bind(sessionId))).toBe(failure)
  })

  test('nor for whom a host forwards it to whose key it does not understand', async () => {
    const unknown = new WireWriter().string('ssh-dss').mpint(Buffer.of(5)).finish()
    for (const hostKey of [unknown, keyBlob(otherHost.publicKey)]) {
      const session = agent()
      expect(await last(session, await bind(sessionId, true, hostKey), list)).toBe(12)
      expect((await session.answer(list)).equals(Buffer.of(12, 0, 0, 0, 0))).toBe(true)
      expect(await last(session, sign(login()))).toBe(failure)
      // For the client itself such a host is as one that is not bound.
      expect(await last(agent(), await bind(sessionId, false, hostKey), list, sign(login()))).toBe(14)
    }
  })

  test.skipIf(noKeygen)('no file: ssh-add sees the certificate, and ssh-keygen gets no signature', async () => {
    using folder = new KeygenFolder()
    await using socket = await AgentSocket.listen(join(folder.path, 'agent'), { list: () => Promise.resolve([certificate]) })
    const client = (program: string, ...args: readonly string[]) =>
      run(program, args, { env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: socket.path } })
    expect((await client('ssh-add', '-L')).stdout).toContain('mayfly ops 7')
    const key = folder.file('id.pub', `ssh-ed25519-cert-v01@openssh.com ${certificate.blob.toString('base64')}`)
    const signing = client('ssh-keygen', '-Y', 'sign', '-n', 'file', '-f', key, folder.file('message', 'hello'))
    await expect(signing).rejects.toMatchObject({ stderr: expect.stringContaining('agent refused operation') })
    expect(existsSync(join(folder.path, 'message.sig'))).toBe(false)
  })
})

test('is told to forget, and does', async () => {
  let forgotten = 0
  const session = agent({ forget: () => Promise.resolve(void forgotten++) })
  expect(await last(session, list, Buffer.of(19))).toBe(success)
  expect([forgotten, await last(session, sign(login()))]).toEqual([1, failure])
  expect(await last(agent(), Buffer.of(19))).toBe(failure)
})

test('whatever it is sent, it answers, and signs nothing of it', async () => {
  const property = fc.asyncProperty(fc.constantFrom(11, 13, 17, 18, 19, 22, 27), fc.uint8Array({ maxLength: 60 }), async (type, body) => {
    const answer = await last(agent(), list, Buffer.concat([Buffer.of(type), body]))
    expect([5, 12, 28]).toContain(answer)
  })
  await fc.assert(property, { numRuns: 1_000 })
})
