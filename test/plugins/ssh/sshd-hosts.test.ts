/** What ssh does with host certificates, ours and others. Each row is one connection to `web1.example.com`. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { encodeKrl } from '../../../plugins/ssh/format/encode-krl.ts'
import { serialRanges } from '../../../plugins/ssh/format/serial-ranges.ts'
import { signatureBlob } from '../../../plugins/ssh/format/signature.ts'
import { signerOf } from '../../../plugins/ssh/format/signer.ts'
import { missing } from '../../targets/missing.ts'
import { rawCertificate } from '../../targets/raw-certificate.ts'
import type { RawCertificate } from '../../targets/raw-certificate.ts'
import { SshdStand } from '../../targets/sshd-once.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { ed25519, isAccepted, keyLineOf, linesOf } from '../../targets/sshd-stand.ts'

describe.skipIf(missing(sshdMissing()))('a host certificate at a real ssh', () => {
  const stand = new SshdStand()
  afterAll(() => stand[Symbol.dispose]())
  const [ca, foreign, users] = [ed25519(), ed25519(), ed25519()]
  const key = stand.key('id')
  const trusting = `TrustedUserCAKeys ${stand.file('users.pub', linesOf(users))}`
  const authority = `@cert-authority *.example.com ${linesOf(ca)}`
  const now = BigInt(Math.floor(Date.now() / 1_000))
  let count = 0

  interface Known {
    /** Lines of known_hosts; the CA for *.example.com unless said. */
    readonly lines?: string
    readonly host?: string
    readonly options?: readonly string[]
    readonly signer?: typeof ca
  }

  async function connect(
    fields: RawCertificate,
    { lines = authority, host = 'web1.example.com', options, signer = ca }: Known = {}
  ): Promise<boolean> {
    const hostCertificate = await rawCertificate(keyLineOf(stand.hostKey), signer, {
      kind: 'host',
      principals: ['web1.example.com'],
      ...fields
    })
    const certificate = await rawCertificate(keyLineOf(key), users, { principals: [stand.user] })
    const knownHosts = stand.file(`known-${++count}`, lines)
    const { code } = await stand.login({
      config: [trusting],
      key,
      certificate,
      hostCertificate,
      knownHosts,
      host,
      ...(options && { options })
    })
    return code === 0
  }

  const rsaKey = generateKeyPairSync('rsa', { modulusLength: 3_072 }).privateKey
  const ofRsa = (signer: typeof ca): Known => ({ signer, lines: `@cert-authority *.example.com ${linesOf(signer)}` })

  const plain = (names: string): string => `${names} ${keyLineOf(stand.hostKey)}`
  const krl = (more: { serials?: readonly bigint[]; keyIds?: readonly string[] }): readonly string[] => {
    const certificates = [{ ca: ca.publicKey, serials: serialRanges(more.serials ?? []), keyIds: more.keyIds ?? [] }]
    const bytes = encodeKrl({ version: 1n, generatedAt: 1n, certificates, keys: [], fingerprints: [] })
    return [`RevokedHostKeys ${stand.file(`revoked-${++count}`, bytes)}`]
  }

  test.concurrent.each<[result: string, what: string, RawCertificate, Known?]>([
    ['A', 'ours', {}],
    ['A', 'whose second name is dialled', { principals: ['web1', 'web1.example.com'] }],
    ['A', 'dialled in upper case', {}, { host: 'WEB1.example.com' }],
    ['A', 'with an extension', { extensions: [['permit-pty']] }],
    ['A', 'of a CA for every name', {}, { lines: `@cert-authority * ${linesOf(ca)}` }],
    ['A', 'of one of two CAs', {}, { lines: `@cert-authority *.example.com ${linesOf(foreign)}${authority}` }],
    ['A', 'for an address', { principals: ['192.0.2.7'] }, { host: '192.0.2.7', lines: `@cert-authority 192.0.2.* ${linesOf(ca)}` }],
    [
      'A',
      'for an address at another port',
      { principals: ['192.0.2.7'] },
      { host: '192.0.2.7', options: ['Port=2222'], lines: `@cert-authority [192.0.2.*]:2222 ${linesOf(ca)}` }
    ],
    ['A', 'of an RSA CA', {}, ofRsa(signerOf(rsaKey))],
    [
      'R',
      'of an RSA CA with SHA-1',
      {},
      ofRsa({ ...signerOf(rsaKey), sign: async text => signatureBlob('ssh-rsa', sign('sha1', text, rsaKey)) })
    ],
    ['A', 'that no revoked key is', {}, { options: krl({ serials: [1n] }) }],
    ['A', 'of no known CA, where the plain key is known', {}, { lines: plain('web1.example.com') }],
    ['A', 'that expired, where the plain key is known', { before: now - 1n }, { lines: `${authority}${plain('web1.example.com')}` }],
    ['R', 'of another host', { principals: ['web2.example.com'] }],
    ['R', 'for the short name only', { principals: ['web1'] }],
    ['R', 'for the name in upper case', { principals: ['WEB1.example.com'] }],
    ['R', 'of a user', { kind: 'user' }],
    ['R', 'that expired', { before: now - 1n }],
    ['R', 'that is not valid yet', { after: now + 3_600n }],
    ['R', 'with a critical option', { critical: [['source-address', '127.0.0.1/32']] }],
    ['R', 'of a CA for another domain', {}, { lines: `@cert-authority *.example.org ${linesOf(ca)}` }],
    ['R', 'of an unknown CA', {}, { lines: `@cert-authority *.example.com ${linesOf(foreign)}` }],
    ['R', 'of a revoked CA', {}, { lines: `${authority}@revoked * ${linesOf(ca)}` }],
    ['R', 'with a revoked host key', {}, { lines: `${authority}@revoked * ${keyLineOf(stand.hostKey)}` }],
    ['R', 'revoked by its serial', {}, { options: krl({ serials: [100n] }) }],
    ['R', 'revoked by its key id', {}, { options: krl({ keyIds: ['alice@example.com'] }) }],
    ['RRRA', 'for a pattern of names', { principals: ['*.example.com'] }],
    ['AAAR', 'without names', { principals: [] }]
  ])('%s: one %s', async (result, _what, fields, known) => {
    expect(await connect(fields, known)).toBe(isAccepted(result))
  })
})
