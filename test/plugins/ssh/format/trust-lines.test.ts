import { expect, test } from 'vitest'
import { publicPart } from '../../../../plugins/ssh/format/key-object.ts'
import { allowedSignerLine, certAuthorityLine, revokedLine } from '../../../../plugins/ssh/format/trust-lines.ts'
import { privateKeys } from './arbitraries.ts'
import { KeygenFolder, noKeygen } from './ssh-keygen.ts'

const ca = publicPart(privateKeys.ed25519)

test.skipIf(noKeygen)('the CA of a known_hosts line is found for the hosts that it names, and for no other', () => {
  using folder = new KeygenFolder()
  const lines = [
    certAuthorityLine(['*.prod.example.com', '!legacy.prod.example.com', '[git.example.com]:2222'], ca, 'mayfly'),
    revokedLine(publicPart(privateKeys.p256))
  ]
  const file = folder.file('known_hosts', `${lines.join('\n')}\n`)
  const found = (host: string): boolean => folder.ask(['-F', host, '-f', file]).stdout.includes('@cert-authority')
  expect(['web1.prod.example.com', '[git.example.com]:2222'].every(found)).toBe(true)
  expect(
    ['example.com', 'prod.example.com', 'git.example.com', 'legacy.prod.example.com', 'web1.prod.example.com.evil.org'].some(found)
  ).toBe(false)
})

test.each(['*', '?*', '*.*', '!*', '[*]:22', '', 'Web.example.com', 'a b', 'a,b', 'web1.example.com\n@cert-authority *', 'a:22'])(
  '%j is no name for which a CA may speak',
  pattern => {
    expect(() => certAuthorityLine([pattern], ca)).toThrow(/^patterns: /)
  }
)

test('lines hold nothing that would begin another', () => {
  expect(() => certAuthorityLine([], ca)).toThrow('patterns: name at least one')
  expect(() => certAuthorityLine(['a.example.com'], ca, 'x\n* evil')).toThrow('a comment is printable ASCII on one line')
  expect(() => allowedSignerLine('mayfly evil', ['krl@mayfly'], ca)).toThrow(/^identity: /)
  expect(() => allowedSignerLine('mayfly', ['krl@mayfly" cert-authority'], ca)).toThrow(/^namespaces: /)
  expect(() => allowedSignerLine('mayfly', [], ca)).toThrow(/^namespaces: /)
  expect(allowedSignerLine('mayfly', ['krl@mayfly', 'x'], ca)).toMatch(/^mayfly namespaces="krl@mayfly,x" ssh-ed25519 [A-Za-z0-9+/]{68}$/)
})
