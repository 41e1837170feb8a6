/** Kills the broker at every moment of a rotation of its keys, starts it again, and asks for everything that was sealed. */
import { access, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyPoints } from '../../src/broker/crash-point.ts'
import { Rekeyed } from './suites/keys.ts'

const timeout = 240_000

let keys: Rekeyed

beforeAll(async () => {
  keys = await Rekeyed.open()
}, timeout)
afterAll(() => keys[Symbol.asyncDispose]())

// The first change of the keyring is the count at the start, the second the rotation itself.
const moments = keyPoints.map(point => ({ point, pass: point === 'keys:after-commit' ? 2 : 1 }))

// The store is one for all tests: what a death breaks shows in each that follows.
test.each(moments)('a death at $point loses nothing that was sealed', { timeout }, async ({ point, pass }) => {
  const { stand } = keys
  const before = keys.keyFile()
  const ofSeal = point.startsWith('seal-key:')
  let term: number
  {
    await using doomed = await stand.started(point, pass)
    term = (await keys.keyStatus()).term
    await stand.api.ask('PUT', ofSeal ? 'sys/rotate/seal' : 'sys/rotate').catch(() => undefined)
    await doomed.ended
    expect(doomed.killed).toBe(true)
  }
  await using next = await stand.started()
  if (ofSeal) {
    expect(keys.keyFile() === before).toBe(point === 'seal-key:after-new-file')
    // Half-done or done: the next one goes through, and leaves one file.
    await stand.api.must('PUT', 'sys/rotate/seal')
    await expect(access(stand.at('seal.key.new'))).rejects.toMatchObject({ code: 'ENOENT' })
  } else {
    if (point === 'rotate:before-commit') await stand.api.must('PUT', 'sys/rotate')
    expect(await keys.untilOneKey()).toMatchObject({ term: term + 1, resealing: null })
  }
  await next.stop()
  expect(await keys.broken()).toEqual([])
})

test('the old key of the seal opens the store no more', { timeout }, async () => {
  const { stand } = keys
  const before = keys.keyFile()
  await using broker = await stand.started()
  await stand.api.must('PUT', 'sys/rotate/seal')
  await broker.stop()
  const after = keys.keyFile()
  expect(after).not.toBe(before)
  await writeFile(stand.at('seal.key'), before)
  await expect(stand.started()).rejects.toThrow('ended before it served')
  await writeFile(stand.at('seal.key'), after)
})

test('a crash counts encryptions that were not made, never fewer than were', { timeout }, async () => {
  const { stand } = keys
  await using broker = await stand.started()
  const made = (await keys.keyStatus()).encryptions
  await stand.api.must('POST', 'sys/rotate/config', { interval: '48h' })
  broker.kill()
  await broker.ended
  await using next = await stand.started()
  const { encryptions } = await keys.keyStatus()
  expect(encryptions).toBeGreaterThan(made)
  expect(encryptions).toBeLessThan(made + 2 * 65_536)
  await next.stop()
})

test('after all of it every credential still ends', { timeout }, async () => {
  const { stand } = keys
  await using broker = await stand.started()
  for (const lease of keys.leases) await stand.api.must('PUT', 'sys/leases/revoke', { lease_id: lease })
  expect(keys.users()).toEqual([])
  await broker.stop()
})
