/** Rotations as clients ask for them, unchanged. The admin account is one of its own, as its password changes. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { openStand, runBao, runPython } from './client-stand.ts'
import type { ClientStand, Login } from './client-stand.ts'

const oldPassword = 'Old-Canary-Passw0rd'

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('rotations', () => {
  const suffix = randomBytes(4).toString('hex')
  const [admin, user, second] = [`rotated_${suffix}`, `fixed_${suffix}`, `second_${suffix}`]
  let stand: ClientStand
  let postgres: PostgresAccess

  beforeAll(async () => {
    stand = await openStand()
    postgres = await sharedPostgres()
    await postgres.query(`create role ${admin} login createrole password '${oldPassword}'`)
    for (const name of [user, second]) {
      await postgres.query(`create role ${name} login password '${oldPassword}' in role app_ro`)
      await postgres.query(`grant ${name} to ${admin} with admin true, inherit false, set false`)
    }
  })

  afterAll(async () => {
    await stand[Symbol.asyncDispose]()
    await postgres.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [admin])
    await postgres.query(`drop role ${user}, ${second}, ${admin}`)
    await postgres[Symbol.asyncDispose]()
  })

  const connection = () => ({ ...stand.connection, username: admin, password: oldPassword })

  test('hvac makes a static role, reads and rotates it, and rotates the admin account', async () => {
    const ended = await runPython('hvac-rotation.py', {
      url: stand.broker.address,
      token: stand.broker.root,
      connection: connection(),
      user
    })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const { kept, gone } = JSON.parse(ended.stdout) as { readonly kept: Login; readonly gone: readonly Login[] }
    expect(await stand.mayLogIn(kept)).toBe(true)
    expect(await Promise.all([...gone, { username: admin, password: oldPassword }].map(login => stand.mayLogIn(login)))).toEqual([
      false,
      false,
      false
    ])
  })

  test('bao does the same', async () => {
    // A mount that logs in with the account as well would be locked out: the rotation would be refused.
    await stand.broker.ask('DELETE', 'sys/mounts/hvr')
    await postgres.query(`alter role ${admin} password '${oldPassword}'`)
    const bao = async (...args: readonly string[]) => {
      const ended = await runBao(stand.broker.address, stand.broker.root, stand.home, args)
      if (ended.code !== 0) throw new Error(`bao ${args.join(' ')}: ${ended.stderr}`)
      return ended.stdout
    }
    const read = async () =>
      JSON.parse(await bao('read', '-format=json', 'dbr/static-creds/fixed')).data as Login & { readonly ttl: number }
    await bao('secrets', 'enable', '-path=dbr', 'database')
    await bao('write', 'dbr/config/app', ...Object.entries(connection()).map(([key, value]) => `${key}=${value}`))
    await bao('write', 'dbr/static-roles/fixed', 'db_name=app', `username=${second}`, 'rotation_period=24h')
    const first = await read()
    expect(await stand.mayLogIn(first)).toBe(true)
    expect(await bao('write', '-f', 'dbr/rotate-role/fixed')).toContain('Success! Data written to: dbr/rotate-role/fixed')
    expect(await stand.mayLogIn(await read())).toBe(true)
    expect(await stand.mayLogIn(first)).toBe(false)
    expect(await bao('write', '-f', 'dbr/rotate-root/app')).toContain('Success! Data written to: dbr/rotate-root/app')
    expect(await bao('read', 'dbr/static-roles/fixed')).toMatch(/last_vault_rotation\s+20\d\d-/)
    await bao('delete', 'dbr/static-roles/fixed')
    expect((await stand.broker.ask('GET', 'dbr/static-creds/fixed')).json).toEqual({ errors: ['unknown role: fixed'] })
  })
})
