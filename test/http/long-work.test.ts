import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { wireLimits } from '../../src/http/limits.ts'
import { serving } from './serving.ts'

const limits = { ...wireLimits, stalledMs: 400, longWorkMs: 60_000, checkEveryMs: 50 }
const token = { 'X-Vault-Token': 't' }

test('what works for long keeps its connection although nothing goes over it; all else has the patience of the wire', async () => {
  await using served = await serving({ limits })
  served.door.answer = async ({ id, path }) => {
    if (path !== 'a/short') await delay(1_500)
    return { requestId: id, status: 200, data: { path } }
  }
  for (const path of ['sys/backup', 'sys/resume', 'sys/reconcile', 'sys/reconcile/users'])
    expect((await served.ask('GET', `/v1/${path}`, token)).status, path).toBe(200)
  expect((await served.ask('GET', '/v1/a/short', token)).status).toBe(200)
  await expect(served.ask('GET', '/v1/a/long', token)).rejects.toThrow()
})

test('a stream goes at the pace of who reads it, and one that fails on the way has no end', async () => {
  await using served = await serving({ limits })
  let disposed = 0
  const chunk = Buffer.alloc(300_000, 'x')
  const streamed = (failing: boolean) => ({
    type: 'application/octet-stream',
    async *chunks() {
      for (let n = 0; n < 5; n++) {
        if (failing && n === 3) throw new Error('the disk')
        yield chunk
      }
    },
    [Symbol.asyncDispose]: async () => void disposed++
  })
  served.door.answer = async ({ id, path }) => ({ requestId: id, status: 200, stream: streamed(path === 'sys/failing') })
  const url = (path: string) => `http://127.0.0.1:${served.listener.port}/v1/${path}`
  const whole = await fetch(url('sys/backup'), { headers: token })
  expect(whole.headers.get('content-type')).toBe('application/octet-stream')
  expect((await whole.arrayBuffer()).byteLength).toBe(5 * chunk.length)
  const cut = await fetch(url('sys/failing'), { headers: token })
  await expect(cut.arrayBuffer()).rejects.toThrow('terminated')
  expect(disposed).toBe(2)
})
