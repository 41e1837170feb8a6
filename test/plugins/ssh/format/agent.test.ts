import { spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../../src/contracts/index.ts'
import { addIdentity } from '../../../../plugins/ssh/format/add-identity.ts'
import { AgentFrames, agentFrame } from '../../../../plugins/ssh/format/agent-frames.ts'
import { agentAnswer, isSuccess, parseAgentRequest, removeIdentity } from '../../../../plugins/ssh/format/agent-protocol.ts'
import type { CertificateFields } from '../../../../plugins/ssh/format/certificate.ts'
import { writeKeyLine } from '../../../../plugins/ssh/format/key-line.ts'
import { publicPart } from '../../../../plugins/ssh/format/key-object.ts'
import { parseLoginRequest } from '../../../../plugins/ssh/format/login-request.ts'
import { keyBlob } from '../../../../plugins/ssh/format/public-key.ts'
import { certificateLine, signCertificate } from '../../../../plugins/ssh/format/sign-certificate.ts'
import { signerOf } from '../../../../plugins/ssh/format/signer.ts'
import { WireWriter } from '../../../../plugins/ssh/format/wire-writer.ts'
import { privateKeys } from './arbitraries.ts'
import { KeygenFolder, noKeygen } from './ssh-keygen.ts'

const key = generateKeyPairSync('ed25519').privateKey
const ca = signerOf(privateKeys.p256)
const now = BigInt(Math.floor(Temporal.Now.instant().epochMilliseconds / 1000))
const fields = (kind: 'user' | 'host'): CertificateFields => ({
  kind,
  nonce: randomBytes(32),
  key: publicPart(key),
  serial: 7n,
  keyId: 'alice',
  principals: [kind === 'user' ? 'deploy' : 'web1.example.com'],
  validAfter: now - 30n,
  validBefore: now + 600n,
  criticalOptions: new Map(),
  extensions: new Map()
})
const userCertificate = await signCertificate(fields('user'), ca)
const hostCertificate = await signCertificate(fields('host'), ca)
const userLine = certificateLine(fields('user'), userCertificate)

describe('an agent of ours', () => {
  test.skipIf(noKeygen)('lists to ssh-add, and signs for a client what it is asked', async () => {
    using folder = new KeygenFolder()
    const asked: Buffer[] = []
    await using agent = await listening(join(folder.path, 'agent.sock'), async message => {
      const request = parseAgentRequest(message)
      if (request.kind === 'identities')
        return agentAnswer.identities([
          { blob: keyBlob(publicPart(key)), comment: 'plain' },
          { blob: userCertificate, comment: 'alice' }
        ])
      if (request.kind !== 'sign') return agentAnswer.failure
      asked.push(request.data)
      return agentAnswer.signed(signerOf(key), request.data)
    })
    const listed = await printed('ssh-add', ['-L'], agent.path)
    expect(listed).toBe(`${writeKeyLine(publicPart(key))} plain\n${userLine} alice\n`)
    // Signing a file goes through the same request as a login.
    const message = folder.file('message', 'hello')
    await printed(
      'ssh-keygen',
      ['-Y', 'sign', '-n', 'file', '-f', folder.file('id.pub', writeKeyLine(publicPart(key))), message],
      agent.path
    )
    expect(asked.length).toBe(1)
    expect(() => parseLoginRequest(asked[0]!)).toThrow('data to sign: ')
    const allowed = folder.file('allowed', `me ${writeKeyLine(publicPart(key))}\n`)
    expect(folder.run(['-Y', 'verify', '-f', allowed, '-I', 'me', '-n', 'file', '-s', `${message}.sig`], 'hello')).toContain('Good')
  })

  test('answers what it does not know with the failure that belongs to it', () => {
    expect(parseAgentRequest(Buffer.of(22))).toEqual({ kind: 'other', what: 'request' })
    expect(parseAgentRequest(new WireWriter().byte(27).string('query').finish())).toEqual({ kind: 'other', what: 'extension' })
    expect(() => parseAgentRequest(Buffer.of())).toThrow('agent message: cut short at type')
    expect(() => parseAgentRequest(Buffer.of(11, 0))).toThrow('agent message: 1 bytes too many at the end')
  })
})

test.skipIf(noKeygen)('the agent of OpenSSH takes a certificate for a while, shows it, and forgets it when told', async () => {
  using folder = new KeygenFolder()
  const path = join(folder.path, 'agent.sock')
  const program = 'ssh-agent'
  const agent = spawn(program, ['-D', '-a', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(agent.stdout, 'data')
    expect(
      isSuccess(await answered(path, addIdentity({ key, certificate: userCertificate, comment: 'alice', lifetimeSeconds: 600 }).reveal()))
    ).toBe(true)
    expect(await printed('ssh-add', ['-L'], path)).toBe(`${userLine} alice\n`)
    expect(isSuccess(await answered(path, removeIdentity(userCertificate)))).toBe(true)
    expect(isSuccess(await answered(path, removeIdentity(userCertificate)))).toBe(false)
  } finally {
    agent.kill()
    await once(agent, 'exit')
  }
})

test('only keys of the one type that every agent knows are added', () => {
  expect(() => addIdentity({ key: privateKeys.p256, certificate: userCertificate, comment: '', lifetimeSeconds: 1 })).toThrow(
    'agent: only Ed25519 keys are added'
  )
})

describe('a session is bound', () => {
  const sessionId = randomBytes(32)
  const bind = async (host: Uint8Array, signed: Uint8Array, forwarding = false): Promise<Buffer> =>
    new WireWriter()
      .byte(27)
      .string('session-bind@openssh.com')
      .string(host)
      .string(sessionId)
      .string(await signerOf(key).sign(signed))
      .boolean(forwarding)
      .finish()

  test('to a plain host key', async () => {
    expect(parseAgentRequest(await bind(keyBlob(publicPart(key)), sessionId))).toEqual({
      kind: 'session-bind',
      bind: { hostKey: publicPart(key), certificate: undefined, sessionId, forwarding: false }
    })
  })

  test('to a host certificate, forwarded too', async () => {
    const request = parseAgentRequest(await bind(hostCertificate, sessionId, true))
    expect(request).toMatchObject({
      bind: { hostKey: publicPart(key), certificate: { principals: ['web1.example.com'] }, forwarding: true }
    })
  })

  test('only by a host that signed it, and never by a certificate of a user or one that is not good', async () => {
    const forged = Buffer.from(hostCertificate)
    forged[forged.length - 1]! ^= 1
    const bad: readonly [Buffer, string][] = [
      [await bind(keyBlob(publicPart(key)), randomBytes(32)), 'the session is not signed by the host key'],
      [await bind(keyBlob(ca.publicKey), sessionId), 'the session is not signed by the host key'],
      [await bind(userCertificate, sessionId), 'the host certificate is not good'],
      [await bind(forged, sessionId), 'the host certificate is not good']
    ]
    for (const [message, reason] of bad) expect(() => parseAgentRequest(message)).toThrow(`agent message: ${reason}`)
  })
})

const login = (more: Partial<{ message: number; service: string; method: string; signed: boolean }> = {}, hostKey?: Buffer): Buffer => {
  const {
    message = 50,
    service = 'ssh-connection',
    method = hostKey ? 'publickey-hostbound-v00@openssh.com' : 'publickey',
    signed = true
  } = more
  const writer = new WireWriter().string(Buffer.alloc(32, 1)).byte(message).string('deploy').string(service).string(method).boolean(signed)
  writer.string('ssh-ed25519-cert-v01@openssh.com').string(userCertificate)
  return (hostKey ? writer.string(hostKey) : writer).finish()
}

describe('what a client asks to sign', () => {
  test('is read when it is a login, bound to a host or not', () => {
    const read = { sessionId: Buffer.alloc(32, 1), user: 'deploy', algorithm: 'ssh-ed25519-cert-v01@openssh.com', blob: userCertificate }
    expect(parseLoginRequest(login())).toEqual({ ...read, hostKey: undefined })
    expect(parseLoginRequest(login({}, hostCertificate))).toEqual({ ...read, hostKey: hostCertificate })
  })

  test.each<[string, Buffer, string]>([
    [
      'a file',
      new WireWriter().raw(Buffer.from('SSHSIG')).string('file').string('').string('sha512').string(Buffer.alloc(64)).finish(),
      'cut short at session id'
    ],
    ['another message', login({ message: 51 }), 'not a login'],
    ['another service', login({ service: 'ssh-userauth' }), 'not a login to ssh-connection'],
    ['another method', login({ method: 'hostbased' }), 'not a login with a key'],
    ['an unsigned form', login({ signed: false }), 'not the signed form of a login'],
    ['more than a login', Buffer.concat([login(), Buffer.of(0)]), '1 bytes too many at the end'],
    ['a host-bound login without host', login({ method: 'publickey-hostbound-v00@openssh.com' }), 'cut short at host key']
  ])('is refused when it is %s', (_, data, reason) => {
    expect(() => parseLoginRequest(data)).toThrow(`data to sign: ${reason}`)
  })
})

describe('the stream', () => {
  test('is cut into the same messages, however it arrives', () => {
    const property = fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
      (messages, sizes) => {
        const stream = Buffer.concat(messages.map(agentFrame))
        const frames = new AgentFrames()
        const seen: Buffer[] = []
        for (let at = 0; at < stream.length;) {
          const size = sizes.next().value as number
          seen.push(...frames.push(stream.subarray(at, at + size)))
          at += size
        }
        expect(seen.map(message => [...message])).toEqual(messages.map(message => [...message]))
      }
    )
    fc.assert(property)
  })

  test.each([0, 256 * 1024 + 1, 0xffffffff])('of a message of %i bytes is given up', length => {
    expect(() => new AgentFrames().push(new WireWriter().uint32(length).finish())).toThrow(`agent message: ${length} bytes`)
  })

  test('of any bytes gives nothing but refusals', () => {
    const property = fc.property(fc.constantFrom(11, 13, 27), fc.uint8Array({ maxLength: 60 }), (type, body) => {
      for (const read of [() => parseAgentRequest(Buffer.concat([Buffer.of(type), body])), () => parseLoginRequest(body)])
        try {
          read()
        } catch (error) {
          expect(error).toBeInstanceOf(BrokerError)
        }
    })
    fc.assert(property, { numRuns: 2_000 })
  })
})

async function listening(path: string, answer: (message: Buffer) => Promise<Buffer> | Buffer): Promise<AsyncDisposable & { path: string }> {
  const server: Server = createServer(socket => {
    const frames = new AgentFrames()
    socket.on('data', async (piece: Buffer) => {
      for (const message of frames.push(piece)) socket.write(agentFrame(await answer(message)))
    })
  })
  server.listen(path)
  await once(server, 'listening')
  return { path, [Symbol.asyncDispose]: () => new Promise(resolve => server.close(() => resolve())) }
}

async function answered(path: string, message: Buffer): Promise<Buffer> {
  const socket = connect(path)
  socket.write(agentFrame(message))
  const [piece] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return new AgentFrames().push(piece)[0]!
}

async function printed(program: string, args: readonly string[], agent: string): Promise<string> {
  const child = spawn(program, args, { env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: agent }, stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
  await once(child, 'close')
  return text
}
