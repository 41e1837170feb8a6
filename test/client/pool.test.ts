/** The pool of the README, against a real PostgreSQL: no query fails while one credential follows another. */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'pg'
import { describe, expect, test } from 'vitest'
import { Mayfly, token } from '../../src/client/index.ts'
import type { Credential } from '../../src/client/index.ts'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { serveInMemory } from '../wire/serve-in-memory.ts'

interface User {
  readonly username: string
  readonly password: string
}

const role = `pools${randomBytes(1).toString('hex')}`

describe.skipIf(missing(postgresMissing()))('a pool that follows its lease', () => {
  test('drains the connections of the old credential, and no query fails', async () => {
    await using stack = new AsyncDisposableStack()
    const postgres = stack.use(await sharedPostgres())
    const { name: database } = stack.use(await postgres.newDatabase())
    const broker = stack.use(await serveInMemory())
    const { host, port, admin } = postgres
    await broker.ask('POST', 'sys/mounts/database', { type: 'database' })
    await broker.ask('POST', 'database/config/app', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/${database}?sslmode=disable`,
      username: admin.user,
      password: admin.password
    })
    // Each lives for nine seconds and none longer, so every six seconds another takes over: the rest is room for a machine that is busy.
    await broker.ask('POST', `database/roles/${role}`, { db_name: 'app', member_of: ['app_ro'], default_ttl: '9s', max_ttl: '9s' })
    const mayfly = stack.use(new Mayfly({ address: broker.address, login: token(broker.root) }))

    const poolOf = (credential: Credential<User>) => {
      const { username: user, password } = credential.reveal()
      const made = new Pool({ host, port, database, user, password, ssl: false, max: 3 })
      made.on('error', () => undefined)
      return made
    }
    const db = await mayfly.lease<User>(`database/creds/${role}`, {
      onCredential: async next => {
        const old = pool
        pool = poolOf(next)
        while (old.waitingCount > 0) await wait(50)
        await old.end()
      }
    })
    let pool = poolOf(db.current())
    stack.defer(() => pool.end())

    const users = new Set<string>()
    let queries = 0
    const work = async () => {
      while (users.size < 4) {
        // Some are under way for long enough to meet a change.
        const { rows } = await pool.query<{ current_user: string }>(
          'select current_user, pg_sleep(random() * 0.3), count(*) from customers'
        )
        users.add(rows[0]!.current_user)
        queries += 1
      }
    }
    await Promise.all(Array.from({ length: 6 }, work))
    expect(users.size).toBeGreaterThanOrEqual(4)
    expect(queries).toBeGreaterThan(20)

    await db.release()
    const left = async () => (await postgres.query('select rolname from pg_roles where rolname like $1', [`v-%-${role}-%`])).length
    await expect.poll(left).toBe(0)
  })
})
