import { createHmac } from 'node:crypto'
import { assert, oneof, property, string, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { MacKey } from '../../src/seal/mac-key.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

test.each([
  ['RFC 4231, 1', '0b'.repeat(20), '4869205468657265', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    'RFC 4231, 2',
    '4a656665',
    '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
  ],
  ['RFC 4231, 3', 'aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe']
])('%s', (_, key, data, expected) => {
  expect(new MacKey(hex(key)).hex(hex(data))).toBe(expected)
})

test('every text of every length comes out as from the ordinary way, in any order', () => {
  const key = new Uint8Array(32).fill(7)
  const mac = new MacKey(new Uint8Array(key))
  assert(
    property(oneof(string({ unit: 'binary', maxLength: 700 }), uint8Array({ maxLength: 700 })), data => {
      const expected = createHmac('sha256', key).update(data).digest('hex')
      expect(mac.hex(data)).toBe(expected)
      expect(Buffer.from(mac.mac(data)).toString('hex')).toBe(expected)
    })
  )
})

test('a key that was destroyed is zero', () => {
  const key = new Uint8Array(32).fill(7)
  const mac = new MacKey(key)
  const before = mac.hex('text')
  mac.destroy()
  expect(key.every(byte => byte === 0)).toBe(true)
  expect(mac.hex('text')).not.toBe(before)
})

test('a key longer than a block is refused', () => {
  expect(() => new MacKey(new Uint8Array(65))).toThrow('longer than a block')
})
