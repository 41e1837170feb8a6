import { expect, test } from 'vitest'
import { gzipSync } from 'node:zlib'
import { canariesIn, formsOf } from './canary-scan.ts'

const value = 'pass"word\\ of +100%'
const canary = { name: 'the password', value }
const around = (bytes: Buffer) => [{ name: 'a file', bytes: Buffer.concat([Buffer.from('xyz'), bytes, Buffer.from('xyz')]) }]

test.each(formsOf(value))('a secret that was written %s is found', (form, bytes) => {
  expect(canariesIn([canary], around(bytes))).toContain(`the password, ${form}, in a file`)
})

test.each([0, 1, 2, 3, 4, 5])('a secret within base64 is found %i bytes into it', before => {
  const text = Buffer.concat([Buffer.alloc(before, 'a'), Buffer.from(value), Buffer.from('tail')]).toString('base64')
  expect(canariesIn([canary], around(Buffer.from(text)))).toContain(`the password, in base64 at ${before % 3}, in a file`)
})

test('a secret within a gzip member is found', () => {
  expect(canariesIn([canary], around(gzipSync(`..${value}..`)))).toEqual(['the password, raw, in a file, unpacked at 3'])
})

test('nothing is found where nothing is', () => {
  expect(canariesIn([canary], around(Buffer.from('password of 100%')))).toEqual([])
})
