/** One opening, and nothing in clear before it. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openReply, sealReply } from '../../src/broker/wrapping/wrapped-reply.ts'
import { Secret } from '../../src/contracts/index.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { child, infoOf, notValid, unwrap, wrapped } from './wrapping.ts'
import { dataOf, smallBroker, withUsers } from './small-broker.ts'

test('of a hundred openings at once one goes through, by whichever way it comes', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const { token } = await wrapped(broker, 'users/creds/app', 60)
  const own = await child(broker, { policies: ['default'] })
  const tries = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => unwrap(broker, token, i % 2 === 0 ? token : own)))
  const through = tries.filter(one => one.status === 'fulfilled')
  expect(through).toHaveLength(1)
  for (const one of tries) if (one.status === 'rejected') expect(one.reason).toMatchObject(notValid)
  const lines = (await broker.store.auditLines(0, 1_000))
    .map(({ line }) => line)
    .filter(line => line.includes('"path":"sys/wrapping/unwrap"'))
  const answers = lines.filter(line => line.includes('"type":"response"'))
  expect(answers).toHaveLength(100)
  expect(answers.filter(line => line.includes('wrapping token is not valid or does not exist'))).toHaveLength(99)
})

test('an opening and a new wrapping at once: one of them', async () => {
  await using broker = await smallBroker()
  for (let round = 0; round < 20; round++) {
    const { token } = infoOf(await broker.ask('write', 'sys/wrapping/wrap', { round }, broker.root, 60))
    const tries = await Promise.allSettled([
      unwrap(broker, token),
      broker.ask('write', 'sys/wrapping/rewrap', { token }),
      broker.ask('write', 'auth/token/revoke', { token }).then(() => unwrap(broker, token))
    ])
    expect(tries.filter(one => one.status === 'fulfilled').length).toBeLessThanOrEqual(1)
  }
})

test('what waits is nowhere in clear: not in the store, the trail or the log, and neither is its token', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-wrap-'))
  const canary = 'canary-7b1f3c'
  const secrets: string[] = [canary]
  {
    await using broker = await smallBroker({ store: await openSqlite({ path: folder }) })
    await withUsers(broker)
    const sent = infoOf(await broker.ask('write', 'sys/wrapping/wrap', { a: canary, n: 7 }, broker.root, 60))
    const credential = await wrapped(broker, 'users/creds/app', 60)
    const created = infoOf(await broker.ask('write', 'auth/token/create', { ttl: '1h' }, broker.root, 60))
    secrets.push(sent.token, credential.token, created.token)
    await unwrap(broker, sent.token)
    secrets.push((dataOf(await unwrap(broker, credential.token)) as { password: string }).password)
    secrets.push((await unwrap(broker, created.token)).auth!.reveal().client_token)
    const left = infoOf(await broker.ask('write', 'sys/wrapping/wrap', { a: canary }, broker.root, 60))
    secrets.push(left.token)
    const trail = (await broker.store.auditLines(0, 1_000)).map(({ line }) => line).join('\n')
    for (const secret of secrets) for (const text of [trail, ...broker.log]) expect(text).not.toContain(secret)
    expect(trail).toContain('"wrap_info":{"ttl":60,"token":"hmac-sha256:')
  }
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(file => file.isFile())
  const kept = Buffer.concat(await Promise.all(files.map(file => readFile(join(file.parentPath, file.name)))))
  expect(kept.includes('sys/wrapping/wrap')).toBe(true)
  for (const secret of secrets) expect(kept.includes(secret)).toBe(false)
  await rm(folder, { recursive: true })
})

test('a sealed reply opens with its own token alone, in its own row, and in no other store', async () => {
  await using broker = await smallBroker()
  await using other = await smallBroker()
  const [parts, elsewhere] = [broker.life.parts()!, other.life.parts()!]
  const now = broker.clock.now()
  const sealed = sealReply(parts, 's.one', 'row-1', { requestId: '', status: 200, data: new Secret({ a: 1 }) }, now)
  expect((openReply(parts, 's.one', 'row-1', sealed).reply.data as Secret<object>).reveal()).toEqual({ a: 1 })
  const raw = { body: new Uint8Array([0, 255, 7]), type: 'application/octet-stream' }
  expect(
    openReply(parts, 's.one', 'row-1', sealReply(parts, 's.one', 'row-1', { requestId: '', status: 200, raw }, now)).reply.raw
  ).toEqual(raw)
  for (const open of [
    () => openReply(parts, 's.two', 'row-1', sealed),
    () => openReply(parts, 's.one', 'row-2', sealed),
    () => openReply(elsewhere, 's.one', 'row-1', sealed),
    () => openReply(parts, 's.one', 'row-1', sealed.subarray(0, -1))
  ])
    expect(open).toThrow(expect.objectContaining({ code: 'integrity' }))
})
