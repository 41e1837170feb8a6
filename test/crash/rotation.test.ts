/** Kills the broker while it rotates, at each named moment and between the words that go to PostgreSQL, and looks whether what is on record logs in. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { rotationPoints } from '../../src/broker/crash-point.ts'
import { startPostgres } from '../targets/embedded-postgres.ts'
import type { TestPostgres } from '../targets/embedded-postgres.ts'
import type { Fault } from '../targets/fault.ts'
import { FaultProxy } from '../targets/fault-proxy.ts'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { Api } from './api.ts'
import { Child, freePort } from './child.ts'

/** What is asked, and the words that change the password. */
const rotations = [
  { name: 'rotate-root', path: 'database/rotate-root/app', change: /alter role "mayfly" with password/ },
  { name: 'rotate-role', path: 'database/rotate-role/fixed', change: /alter role "static_app" with password/ }
] as const

const reachLimitMs = 20_000

describe.skipIf(missing(postgresMissing()))('a rotation that a crash interrupts', () => {
  let postgres: TestPostgres
  let proxy: FaultProxy
  let folder: string
  let config: string
  let api: Api

  beforeAll(async () => {
    postgres = await startPostgres()
    proxy = await FaultProxy.start(postgres)
    folder = await mkdtemp(join(tmpdir(), 'mayfly-rotation-'))
    const port = await freePort()
    config = join(folder, 'mayfly.yaml')
    await writeFile(
      config,
      `listener: { address: 127.0.0.1:${port}, tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\naudit: [{ type: file, path: ./audit.jsonl }]\nlog_level: error\n`
    )
    api = new Api(`http://127.0.0.1:${port}`)
    await using broker = Child.start(config)
    await broker.serving(api.address)
    await prepare()
    await broker.stop()
  }, 60_000)

  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  async function prepare(): Promise<void> {
    const { admin } = postgres
    await postgres.query(`create role static_app login password 'theirs'`)
    await postgres.query(`grant static_app to "${admin.user}" with admin true, inherit false, set false`)
    api.token = (await api.must('PUT', 'sys/init', {})).root_token
    await api.must('POST', 'sys/mounts/database', { type: 'database' })
    await api.must('POST', 'database/config/app', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@${proxy.host}:${proxy.port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password
    })
    await api.must('POST', 'database/roles/app', { db_name: 'app', member_of: 'app_ro', default_ttl: '1h' })
    await api.must('POST', 'database/static-roles/fixed', { db_name: 'app', username: 'static_app', rotation_period: '24h' })
  }

  /** Starts a broker, asks for a rotation, and kills the broker at the moment. */
  async function killed(path: string, moment: { readonly point: string } | { readonly wire: Fault }): Promise<boolean> {
    await using broker = 'point' in moment ? Child.start(config, moment.point) : Child.start(config)
    await broker.serving(api.address)
    const struck = 'wire' in moment ? strike(moment.wire) : broker.ended
    const asked = api.ask('POST', path).catch(() => undefined)
    const came = await Promise.race([struck.then(() => true), wait(reachLimitMs, false)])
    broker.kill()
    await broker.ended
    proxy.fault = { kind: 'pass' }
    await asked
    return came
  }

  async function strike(fault: Fault): Promise<void> {
    const strikes = proxy.strikes
    proxy.fault = fault
    while (proxy.strikes === strikes) await proxy.changed()
  }

  /** The password that is served is the one that logs in, and new users are made over the admin account. */
  async function whatIsOnRecordWorks(): Promise<void> {
    await using broker = Child.start(config)
    await broker.serving(api.address)
    const { data } = await api.must('GET', 'database/static-creds/fixed')
    const session = await postgres.connect({ user: data.username, password: data.password })
    await session.end()
    expect(data.ttl).toBeGreaterThan(0)
    // The sweeper may still be at the rotation of the admin account when the first request comes.
    const until = Date.now() + reachLimitMs
    for (let reply = await api.ask('GET', 'database/creds/app'); reply.status !== 200; reply = await api.ask('GET', 'database/creds/app')) {
      if (Date.now() > until) throw new Error(JSON.stringify(reply.body))
      await wait(100)
    }
    await api.must('PUT', 'sys/leases/revoke-prefix/database/creds')
    await broker.stop()
  }

  test.each(rotations.flatMap(rotation => rotationPoints.map(point => [rotation.name, point, rotation.path] as const)))(
    '%s, killed at %s',
    { timeout: 60_000 },
    async (_, point, path) => {
      expect(await killed(path, { point })).toBe(true)
      await whatIsOnRecordWorks()
    }
  )

  test.each(
    rotations.flatMap(({ name, path, change }) => [
      [name, 'before the change is sent', path, { kind: 'cut', pattern: change, when: 'before' }] as const,
      [name, 'while the change is on its way', path, { kind: 'swallow', pattern: change }] as const,
      [name, 'when the change is done and its answer lost', path, { kind: 'cut', pattern: change, when: 'after' }] as const
    ])
  )('%s, killed %s', { timeout: 60_000 }, async (_, __, path, wire) => {
    expect(await killed(path, { wire })).toBe(true)
    await whatIsOnRecordWorks()
  })

  test('a connection that breaks at the change is tried again, and its caller told the truth', { timeout: 60_000 }, async () => {
    await using broker = Child.start(config)
    await broker.serving(api.address)
    for (const { path, change } of rotations) {
      proxy.fault = { kind: 'cut', pattern: change, when: 'after' }
      const broken = await api.ask('POST', path)
      expect(broken).toMatchObject({ status: 500, body: { errors: [expect.stringContaining('background')] } })
      expect(await api.ask('POST', path)).toMatchObject({ status: 204 })
    }
    await broker.stop()
    await whatIsOnRecordWorks()
  })

  test('every rotation is in the trail, and no password', { timeout: 60_000 }, async () => {
    await using broker = Child.start(config)
    await broker.serving(api.address)
    const { data } = await api.must('GET', 'database/static-creds/fixed')
    const { data: key } = await api.must('GET', 'sys/audit/checkpoint-key')
    await broker.stop()
    let rotated = 0
    for await (const line of openLines(join(folder, 'audit.jsonl'))) {
      expect(line).not.toContain(data.password)
      if (line.includes('"did":"rotated"')) rotated += 1
    }
    expect(rotated).toBeGreaterThanOrEqual(rotations.length * (rotationPoints.length + 4))
    expect(await verifyTrail(openLines(join(folder, 'audit.jsonl')), { publicKey: String(key.public_key) })).toMatchObject({ ok: true })
  })
})
