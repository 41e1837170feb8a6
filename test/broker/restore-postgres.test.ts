/** The drill at a real server: what it renewed after the backup is told by its own `VALID UNTIL`. */
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { restore } from '../../src/restore.ts'
import { serve } from '../../src/serve.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { sendWire } from '../wire/serve-in-memory.ts'

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

const loginOf = (issued: any) => ({ user: issued.data.username as string, password: issued.data.password as string })

test('a restored broker finds renewals and newcomers of a real server, and ends neither early', { timeout: 180_000 }, async () => {
  await using postgres = await sharedPostgres()
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-drill-pg-'))
  const config = join(folder, 'mayfly.yaml')
  writeFileSync(
    config,
    'listener: { address: 127.0.0.1:0, tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\n'
  )
  const start = () => serve(readConfig(config), { log: quiet, folder })
  let running = await start()
  try {
    const from = { requestId: 'test', remoteAddress: '127.0.0.1', remotePort: 0 }
    const root = (await running.life.initialise({}, from))['root_token'] as string
    const address = () => `http://127.0.0.1:${running.listener.port}/v1`
    const ask = async (method: string, path: string, body?: unknown): Promise<any> => {
      const { status, json } = await sendWire(`${address()}/${path}`, method, body, root)
      expect(status, `${path}: ${JSON.stringify(json)}`).toBeLessThan(300)
      return json
    }
    const logsIn = (issued: any) =>
      postgres.query('select 1 as one', [], loginOf(issued)).then(
        rows => rows.length === 1,
        () => false
      )
    const { host, port, admin } = postgres
    await ask('POST', 'sys/mounts/drill', { type: 'database' })
    await ask('POST', 'drill/config/app', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password
    })
    await ask('POST', 'drill/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '20s', max_ttl: '8h' })
    const renewed = await ask('GET', 'drill/creds/app')
    const dying = await ask('GET', 'drill/creds/app')
    const backup = await fetch(`${address()}/sys/backup`, { headers: { 'X-Vault-Token': root } })
    writeFileSync(join(folder, 'a.backup'), Buffer.from(await backup.arrayBuffer()))
    await ask('POST', 'sys/leases/renew', { lease_id: renewed.lease_id, increment: 3_600 })
    await ask('POST', 'drill/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '1h', max_ttl: '8h' })
    const newcomer = await ask('GET', 'drill/creds/app')
    await running[Symbol.asyncDispose]()
    await rm(join(folder, 'data'), { recursive: true })

    await restore({ file: join(folder, 'a.backup'), config, check: false }, () => Promise.reject(new Error('no shares')))
    running = await start()
    const { data } = await ask('POST', 'sys/resume', { as: 'restored' })
    expect(data).toMatchObject({ renewed: 1, without_lease: 1, not_compared: [] })
    // The two of the backup had twenty seconds by its rows. One of them really had.
    const gone = async () => (await postgres.query('select 1 from pg_roles where rolname = $1', [dying.data.username])).length === 0
    await expect.poll(gone, { timeout: 60_000, interval: 200 }).toBe(true)
    expect(await logsIn(renewed)).toBe(true)
    expect(await logsIn(newcomer)).toBe(true)
    expect((await ask('POST', 'sys/leases/lookup', { lease_id: renewed.lease_id })).data.ttl).toBeGreaterThan(3_000)
    const [target] = (await ask('GET', 'sys/reconcile')).data.targets
    expect(target.orphans).toMatchObject([{ name: newcomer.data.username }])

    await ask('POST', 'sys/leases/revoke', { lease_id: renewed.lease_id })
    expect(await logsIn(renewed)).toBe(false)
    await postgres.query(`drop role "${newcomer.data.username}"`)
  } finally {
    await running[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  }
})
