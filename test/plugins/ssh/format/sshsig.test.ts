import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { writeKeyLine } from '../../../../plugins/ssh/format/key-line.ts'
import { signerOf } from '../../../../plugins/ssh/format/signer.ts'
import { signerOfMessage, signMessage } from '../../../../plugins/ssh/format/sshsig.ts'
import { parsePrivateKey } from '../../../../plugins/ssh/format/private-key.ts'
import { writeOpenSshKey } from '../../../../plugins/ssh/format/write-openssh-key.ts'
import { privateKeys } from './arbitraries.ts'
import { KeygenFolder, noKeygen } from './ssh-keygen.ts'

const keys = Object.entries(privateKeys)
const message = randomBytes(1000)

test.each(keys)('a signature by %s is good for its message and namespace alone', async (_, key) => {
  const signer = signerOf(key)
  const armour = await signMessage(signer, 'krl@mayfly', message)
  expect(signerOfMessage(armour, 'krl@mayfly', message)).toEqual(signer.publicKey)
  expect(() => signerOfMessage(armour, 'host-enroll@mayfly', message)).toThrow(
    'signature: made for "krl@mayfly", not for host-enroll@mayfly'
  )
  expect(() => signerOfMessage(armour, 'krl@mayfly', message.subarray(1))).toThrow('signature: does not match the message')
})

test.skipIf(noKeygen).each(keys)('ssh-keygen calls a signature by %s good', async (_, key) => {
  const signer = signerOf(key)
  using folder = new KeygenFolder()
  const allowed = folder.file('allowed', `mayfly namespaces="krl@mayfly" ${writeKeyLine(signer.publicKey)}\n`)
  const signature = folder.file('krl.sig', await signMessage(signer, 'krl@mayfly', message))
  expect(folder.run(['-Y', 'verify', '-f', allowed, '-I', 'mayfly', '-n', 'krl@mayfly', '-s', signature], message)).toContain(
    'Good "krl@mayfly" signature'
  )
  expect(folder.ask(['-Y', 'verify', '-f', allowed, '-I', 'mayfly', '-n', 'krl@mayfly', '-s', signature], 'another').status).not.toBe(0)
})

test.skipIf(noKeygen).each(keys)('what ssh-keygen signs with a key file of ours, %s, is good here', (_, key) => {
  using folder = new KeygenFolder()
  const file = folder.file('id', writeOpenSshKey(key, 'host', randomBytes(4)).reveal())
  const armour = folder.run(['-Y', 'sign', '-f', file, '-n', 'host-enroll@mayfly'], message)
  expect(signerOfMessage(armour, 'host-enroll@mayfly', message)).toEqual(signerOf(key).publicKey)
  expect(signerOfMessage(armour.replaceAll('\n', '\r\n'), 'host-enroll@mayfly', message)).toEqual(signerOf(key).publicKey)
})

test.skipIf(noKeygen).each(['ed25519', 'ecdsa', 'rsa'])('a key file of ssh-keygen, %s, in each of its forms, is read', type => {
  using folder = new KeygenFolder()
  const id = `${folder.path}/id`
  // Made once: RSA takes its time.
  folder.run(['-q', '-t', type, ...(type === 'rsa' ? ['-b', '2048'] : []), '-N', '', '-C', 'a comment', '-f', id])
  const publicLine = folder.read('id.pub').split(' ').slice(0, 2).join(' ')
  for (const form of ['RFC4716', 'PKCS8', 'PEM']) {
    folder.run(['-q', '-p', '-m', form, '-N', '', '-f', id])
    expect(writeKeyLine(signerOf(parsePrivateKey(folder.read('id'))).publicKey)).toBe(publicLine)
  }
  folder.run(['-q', '-p', '-N', 'a passphrase', '-f', id])
  expect(() => parsePrivateKey(folder.read('id'))).toThrow('private key: has a passphrase: remove it first (ssh-keygen -p)')
})

test('a signature with the key of small order, which ssh-keygen calls good, is refused', () => {
  // The identity of the curve: R = identity, s = 0 satisfies the equation for every message.
  const armour = [
    '-----BEGIN SSH SIGNATURE-----',
    'U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgAQAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAABeAAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUxOQAA',
    'AEABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAA',
    '-----END SSH SIGNATURE-----'
  ].join('\n')
  expect(() => signerOfMessage(armour, 'x', Buffer.from('anything'))).toThrow('public key: the point is of small order')
})
