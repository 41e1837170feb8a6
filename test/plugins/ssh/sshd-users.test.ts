/** What sshd does with user certificates: ours, and those that nobody should make. Each row is one login; where versions differ, a letter for 8.4, 9.2, 10.0 and 10.3 each. */
import { generateKeyPairSync, sign } from 'node:crypto'
import process from 'node:process'
import { afterAll, describe, expect, test } from 'vitest'
import { certificateLine, signCertificate } from '../../../plugins/ssh/format/sign-certificate.ts'
import { parseKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { keyBlob } from '../../../plugins/ssh/format/public-key.ts'
import { signerOf } from '../../../plugins/ssh/format/signer.ts'
import { signatureBlob } from '../../../plugins/ssh/format/signature.ts'
import { WireWriter } from '../../../plugins/ssh/format/wire-writer.ts'
import { missing } from '../../targets/missing.ts'
import { rawCertificate } from '../../targets/raw-certificate.ts'
import type { RawCertificate } from '../../targets/raw-certificate.ts'
import { SshdStand } from '../../targets/sshd-once.ts'
import type { OneLogin } from '../../targets/sshd-once.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { ecdsa, ed25519, isAccepted, keyLineOf, linesOf } from '../../targets/sshd-stand.ts'

describe.skipIf(missing(sshdMissing()))('a user certificate at a real sshd', () => {
  const stand = new SshdStand()
  afterAll(() => stand[Symbol.dispose]())
  const { user } = stand
  const ca = ed25519()
  const trusted = stand.file('ca.pub', linesOf(ca))
  const trusting = [`TrustedUserCAKeys ${trusted}`]
  const key = stand.key('id')
  const now = BigInt(Math.floor(Date.now() / 1_000))

  async function login(fields: RawCertificate, more: Partial<OneLogin> & { signer?: typeof ca } = {}) {
    const line = await rawCertificate(keyLineOf(more.key ?? key), more.signer ?? ca, { principals: [user], ...fields })
    return stand.login({ config: trusting, key, certificate: line, ...more })
  }

  test('that we made lets in, runs the command, and is named in the log as the helper reads it', async () => {
    const fields = {
      kind: 'user' as const,
      nonce: Buffer.alloc(32, 3),
      key: parseKeyLine(keyLineOf(key)).key,
      serial: 42n,
      keyId: 'alice:deploy:1',
      principals: [user],
      validAfter: now - 30n,
      validBefore: now + 600n,
      criticalOptions: new Map<string, string>(),
      extensions: new Map([['permit-pty', '']])
    }
    const certificate = certificateLine(fields, await signCertificate(fields, ca))
    const { code, stdout, log } = await stand.login({ config: trusting, key, certificate, command: ['echo', 'in'] })
    expect([code, stdout]).toEqual([0, 'in\n'])
    expect(log).toMatch(
      /^Accepted publickey for \S+ from UNKNOWN port 65535 ssh2: ED25519-CERT SHA256:\S+ ID alice:deploy:1 \(serial 42\) CA ED25519 SHA256:\S+$/m
    )
  })

  test.concurrent.each(['P-256', 'P-384', 'P-521'])('by a CA on %s lets in', async curve => {
    const signer = ecdsa(curve)
    const config = [`TrustedUserCAKeys ${stand.file(`ca-${curve}.pub`, linesOf(signer))}`]
    expect(await login({}, { signer, config })).toMatchObject({ accepted: true })
  })

  const rsaKey = generateKeyPairSync('rsa', { modulusLength: 3_072 }).privateKey
  test.concurrent.each(['rsa-sha2-512', 'rsa-sha2-256'] as const)('by an RSA CA with %s lets in', async algorithm => {
    const signer = signerOf(rsaKey, algorithm)
    const config = [`TrustedUserCAKeys ${stand.file(`${algorithm}.pub`, linesOf(signer))}`]
    expect(await login({}, { signer, config })).toMatchObject({ accepted: true })
  })

  test('by an RSA CA with SHA-1 does not', async () => {
    const { publicKey } = signerOf(rsaKey)
    const signer = { publicKey, sign: async (message: Uint8Array) => signatureBlob('ssh-rsa', sign('sha1', message, rsaKey)) }
    const config = [`TrustedUserCAKeys ${stand.file('sha1.pub', linesOf(signer))}`]
    expect(await login({}, { signer, config })).toMatchObject({ accepted: false })
  })

  test.concurrent.each([
    ['ecdsa-256', ['-t', 'ecdsa', '-b', '256']],
    ['ecdsa-384', ['-t', 'ecdsa', '-b', '384']],
    ['ecdsa-521', ['-t', 'ecdsa', '-b', '521']],
    ['rsa', ['-t', 'rsa', '-b', '3072']]
  ] as const)('for a key of type %s lets in', async (name, options) => {
    expect(await login({}, { key: stand.key(`subject-${name}`, ...options) })).toMatchObject({ accepted: true })
  })

  test.concurrent('by either of two CAs in the file lets in', async () => {
    const other = ed25519()
    const config = [`TrustedUserCAKeys ${stand.file('two.pub', linesOf(other, ca))}`]
    expect(await login({}, { config })).toMatchObject({ accepted: true })
    expect(await login({}, { config, signer: other })).toMatchObject({ accepted: true })
  })

  test.concurrent('by an RSA CA of 1024 bits lets in: the host does not look', async () => {
    const signer = signerOf(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey)
    const config = [`TrustedUserCAKeys ${stand.file('weak.pub', linesOf(signer))}`]
    expect(await login({}, { signer, config })).toMatchObject({ accepted: true })
  })

  test.concurrent('that its own key has signed does not let in', async () => {
    expect(await login({ issuer: keyBlob(parseKeyLine(keyLineOf(key)).key) })).toMatchObject({ accepted: false })
  })

  test.concurrent('by an unknown CA does not let in', async () => {
    expect(await login({}, { signer: ed25519() })).toMatchObject({ accepted: false })
  })

  test.concurrent('whose CA has an algorithm that the host does not take does not let in', async () => {
    expect(await login({}, { config: [...trusting, 'CASignatureAlgorithms ecdsa-sha2-nistp256'] })).toMatchObject({ accepted: false })
  })

  const max = 2n ** 64n - 1n
  test.concurrent.each<[result: string, what: string, RawCertificate, Partial<OneLogin>?]>([
    ['R', 'for hosts', { kind: 'host' }],
    ['R', 'that is not valid yet', { after: now + 3_600n }],
    ['R', 'that expired a second ago', { before: now - 1n }],
    ['R', 'whose end is 0', { before: 0n }],
    ['A', 'without an end', { after: 0n, before: max }],
    ['A', 'that ends at 2^63', { before: 2n ** 63n }],
    ['R', 'of type 3', { kind: 3 }],
    ['R', 'of type 0', { kind: 0 }],
    ['R', 'with 257 principals', { principals: [...Array(256).keys()].map(String).concat(user) }],
    ['A', 'with 256 principals, the right one last', { principals: [...Array(255).keys()].map(String).concat(user) }],
    ['A', 'whose second principal is the account', { principals: ['other', user] }],
    ['R', 'with a NUL in the key id', { keyId: 'a\0b' }],
    ['R', 'with a NUL in a principal', { principals: [`${user}\0x`] }],
    ['R', 'with bytes behind its end', { mend: blob => Buffer.concat([blob, Buffer.from([0])]) }],
    ['R', 'with a bit turned', { mend: blob => blob.map((byte, at) => (at === 150 ? byte ^ 1 : byte)) as Buffer }],
    ['R', 'for another principal', { principals: ['other'] }],
    ['R', 'without a principal', { principals: [] }],
    ['R', 'with an empty principal', { principals: [''] }],
    ['R', 'with a principal *', { principals: ['*'] }],
    ['R', 'with a pattern as a principal', { principals: [`${user.slice(0, 1)}*`] }],
    ['R', 'with the account in upper case', { principals: [user.toUpperCase()] }],
    ['R', 'with a comma in the principal', { principals: [`deploy,${user}`] }],
    ['R', 'with a blank before the principal', { principals: [` ${user}`] }],
    ['A', 'with an empty key id', { keyId: '' }],
    ['A', 'with a newline in the key id', { keyId: 'a\nb' }],
    ['A', 'with a key id of 100 kB', { keyId: 'k'.repeat(100_000) }],
    ['R', 'with a key id of 300 kB', { keyId: 'k'.repeat(300_000) }],
    ['A', 'with serial 0', { serial: 0n }],
    ['A', 'with the last serial', { serial: max }],
    ['A', 'with something in the reserved field', { reserved: 'x' }],
    ['A', 'without a nonce', { nonce: Buffer.alloc(0) }],
    ['A', 'with verify-required for an ordinary key', { critical: [['verify-required']] }],
    ['A', 'with an unknown extension', { extensions: [['x@example.com']] }],
    ['R', 'with an unknown critical option', { critical: [['x@example.com']] }],
    ['R', 'with a force-command that is not nested', { critical: [['force-command', Buffer.from('echo no')]] }],
    [
      'R',
      'with two force-commands',
      {
        critical: [
          ['force-command', 'echo a'],
          ['force-command', 'echo b']
        ]
      }
    ],
    ['R', 'with a source-address that is not nested', { critical: [['source-address', Buffer.from('127.0.0.1/32')]] }],
    ['R', 'with permit-pty as critical', { critical: [['permit-pty']] }],
    ['R', 'with an extension that is cut', { extensions: new WireWriter().string('permit-pty').finish() }],
    ['R', 'with data in a flag', { extensions: [['permit-pty', 'true']] }],
    ['A', 'with options out of order', { critical: [['verify-required'], ['force-command', 'true']] }],
    ['A', 'with extensions out of order', { extensions: [['permit-user-rc'], ['permit-pty']] }],
    ['A', 'with a flag twice', { extensions: [['permit-pty'], ['permit-pty']] }],
    [
      'RAAA',
      'where only certificate algorithms are taken',
      {},
      { config: [...trusting, 'PubkeyAcceptedAlgorithms *-cert-v01@openssh.com'] }
    ],
    ['R', 'where only plain keys are taken', {}, { config: [...trusting, 'PubkeyAcceptedAlgorithms ssh-ed25519'] }]
  ])('%s: %s', async (result, _what, fields, more) => {
    expect(await login(fields, more)).toMatchObject({ accepted: isAccepted(result) })
  })

  test.concurrent('whose CA field holds a certificate does not let in', async () => {
    const line = await rawCertificate(linesOf(ca), ed25519(), { principals: [user] })
    expect(await login({ issuer: Buffer.from(line.split(' ')[1]!, 'base64') })).toMatchObject({ accepted: false })
  })

  test.concurrent('with a force-command runs that, and as an extension it is ignored', async () => {
    const forced: RawCertificate = { critical: [['force-command', 'echo forced']] }
    expect(await login(forced, { command: ['echo', 'mine'] })).toMatchObject({ stdout: 'forced\n' })
    const free: RawCertificate = { extensions: [['force-command', 'echo forced']] }
    expect(await login(free, { command: ['echo', 'mine'] })).toMatchObject({ stdout: 'mine\n' })
  })

  // An ordinary user's sshd may not give the terminal away.
  test.skipIf(process.getuid?.() !== 0)('gives a terminal with permit-pty only', async () => {
    const tty = { options: ['RequestTTY=force'], command: ['test', '-t', '0'] }
    expect(await login({}, tty)).toMatchObject({ accepted: true, code: 255 })
    expect(await login({ extensions: [['permit-pty']] }, tty)).toMatchObject({ accepted: true, code: 0 })
  })

  describe('and the principals of a host', () => {
    const role = { principals: ['ops'] }
    test.concurrent.each<[result: string, what: string, file: string | null, RawCertificate?]>([
      ['A', 'a file that lists the role', 'ops\n'],
      ['A', 'a line with a command', 'command="true" ops\n'],
      ['R', 'a file without it, although the account is in the certificate', 'dev\n', { principals: [user] }],
      ['R', 'a file that is missing', null],
      ['R', 'an empty file', ''],
      ['R', 'a line for other addresses', 'from="192.0.2.1" ops\n'],
      [
        'R',
        'a line whose command is another than the certificate says',
        'command="true" ops\n',
        { principals: ['ops'], critical: [['force-command', 'false']] }
      ],
      ['R', 'a line with an unknown option', 'no-such-option ops\n'],
      ['R', 'a certificate without principals', 'ops\n', { principals: [] }]
    ])('%s: %s', async (result, what, content, fields = role) => {
      const file = content === null ? `${stand.folder}/none` : stand.file(`principals ${what}`.replaceAll(/[ ,]/g, '-'), content)
      const config = [...trusting, `AuthorizedPrincipalsFile ${file}`]
      expect(await login(fields, { config })).toMatchObject({ accepted: isAccepted(result) })
    })

    test.concurrent.each<[result: string, what: string, script: string]>([
      ['A', 'a command that prints the role', 'echo ops'],
      ['R', 'a command that prints nothing', 'true'],
      ['R', 'a command that prints it and fails', 'echo ops; exit 3']
    ])('%s: %s', async (result, _what, script) => {
      const config = [...trusting, `AuthorizedPrincipalsCommand /bin/sh -c "${script}"`, `AuthorizedPrincipalsCommandUser ${user}`]
      expect(await login(role, { config })).toMatchObject({ accepted: isAccepted(result) })
    })
  })

  test.concurrent.each<[result: string, options: string, principals: readonly string[]]>([
    ['A', 'cert-authority', [user]],
    ['A', 'cert-authority,principals="r"', ['r']],
    ['R', 'cert-authority,principals="r"', []],
    ['AAAR', 'cert-authority', []]
    // `principals="a,b"` and the literal `a,b`: distributions refuse it since they mended CVE-2026-35414, whatever the version says.
  ])('%s: authorized_keys with %s for %j', async (result, options, principals) => {
    const file = stand.file(`keys-${options.length}-${principals.length}`, `${options} ${linesOf(ca)}`)
    expect(await login({ principals }, { config: [`AuthorizedKeysFile ${file}`] })).toMatchObject({ accepted: isAccepted(result) })
  })
})
