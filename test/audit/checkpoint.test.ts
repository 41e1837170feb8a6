import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  checkpointEntry,
  checkpointKeyId,
  isCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint
} from '../../src/audit/checkpoint.ts'
import { body, time } from './written-trail.ts'

// RFC 8032 §7.1, test 1.
const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const privateKey = createPrivateKey({ key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'), format: 'der', type: 'pkcs8' })
const publicKey = createPublicKey(privateKey)
const checkpoint = { node: 'a', seq: 7, hash: 'ab'.repeat(32), time }

test('the key is Ed25519 as RFC 8032 has it, and its fingerprint the SHA-256 of its SPKI form', () => {
  expect(sign(null, Buffer.alloc(0), privateKey).toString('hex').slice(0, 32)).toBe('e5564300c360ac729086e2cc806e828a')
  expect(publicKey.export({ type: 'spki', format: 'der' }).toString('hex')).toContain(
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
  )
  expect(checkpointKeyId(publicKey)).toMatch(/^[0-9a-f]{64}$/)
})

test('what is signed is one text of five lines, so that anyone can check it without this program', () => {
  const signature = signCheckpoint(checkpoint, privateKey)
  const text = `mayfly audit checkpoint 1\na\n7\n${'ab'.repeat(32)}\n${time}`
  expect(verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))).toBe(true)
})

test.each([{ node: 'b' }, { seq: 8 }, { hash: 'ac'.repeat(32) }, { time: '2026-11-25T10:00:00.124Z' }])(
  'a signature holds for nothing else: %o',
  change => {
    const signature = signCheckpoint(checkpoint, privateKey)
    expect(verifyCheckpoint(checkpoint, signature, publicKey)).toBe(true)
    expect(verifyCheckpoint({ ...checkpoint, ...change }, signature, publicKey)).toBe(false)
  }
)

test('an entry is read back as it was written, and nothing else is taken for one', () => {
  const signature = signCheckpoint(checkpoint, privateKey)
  const entry = checkpointEntry(checkpoint, checkpointKeyId(publicKey), signature)
  expect(parseCheckpoint('a', entry)).toEqual({ ...checkpoint, key: checkpointKeyId(publicKey), signature })
  expect(isCheckpoint(entry)).toBe(true)
  expect(isCheckpoint(body(1))).toBe(false)
  expect(parseCheckpoint('a', entry.replace('"seq":7', '"seq":07'))?.seq).not.toBe(8)
  expect(parseCheckpoint('a', entry.replace('}}', ',"x":1}}'))).toBeUndefined()
})
