import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { BodyPieces } from '../../src/http/body-pieces.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

function held(): number {
  gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('a body that comes in chunks of one byte takes little more room than its bytes', () => {
  const body = Buffer.alloc(200_000, 'abcdefg')
  const before = held()
  const pieces = new BodyPieces()
  for (let at = 0; at < body.length; at++) pieces.add(body.subarray(at, at + 1))
  expect(held() - before).toBeLessThan(20 * body.length)
  expect(pieces.whole(body.length).equals(body)).toBe(true)
})

test.each([1, 63, 64, 65, 129])('%i chunks are the body that they were', count => {
  const pieces = new BodyPieces()
  const chunks = Array.from({ length: count }, (_, n) => Buffer.from(`${n},`))
  for (const chunk of chunks) pieces.add(chunk)
  const body = Buffer.concat(chunks)
  expect(pieces.whole(body.length).toString()).toBe(body.toString())
})
