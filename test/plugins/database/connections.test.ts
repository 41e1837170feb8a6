import { describe, expect, test } from 'vitest'
import { dataOf, refusal } from './answers.ts'
import { openDatabaseMount } from './mount.ts'

describe('a connection', () => {
  test('reads back without its password', async () => {
    await using under = await openDatabaseMount()
    expect(await dataOf(under.mount, 'config/main')).toEqual({
      plugin_name: 'file-database-plugin',
      plugin_version: '',
      connection_details: { host: under.server('main'), database: '', username: 'admin' },
      allowed_roles: ['app'],
      root_credentials_rotate_statements: [],
      password_policy: '',
      check: { version: '1', missing: [], guarantees: under.driver.guarantees },
      health: { state: 'unknown', circuit: 'closed', failures: 0 }
    })
  })

  test('is verified before it is stored, unless told otherwise', async () => {
    await using under = await openDatabaseMount()
    const wrong = { ...under.connection, password: 'wrong' }
    await expect(under.mount.write('config/other', wrong)).rejects.toThrow(
      'error creating database object: error verifying connection: 28P01 password authentication failed'
    )
    expect(await under.mount.read('config/other')).toBeUndefined()
    await under.mount.write('config/other', { ...wrong, verify_connection: false })
    expect(await dataOf(under.mount, 'config/other')).not.toHaveProperty('check')
    expect(under.driver.opened.size).toBe(0)
  })

  test('an update merges: without a password it keeps the one that is there', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('config/main', { allowed_roles: ['app', 'other-*'], password_policy: 'strong', verify_connection: 'false' })
    expect(await dataOf(under.mount, 'config/main')).toMatchObject({ allowed_roles: ['app', 'other-*'], password_policy: 'strong' })
    await under.mount.issue('creds/app')
  })

  test('is reset: what was open is closed, and the server is asked anew', async () => {
    await using under = await openDatabaseMount()
    await under.mount.issue('creds/app')
    const [before] = under.driver.opened
    await under.mount.write('reset/main', {})
    expect([under.driver.opened.size, under.driver.opened.has(before!)]).toEqual([1, false])
    under.driver.adminPassword = 'changed'
    await expect(under.mount.write('reset/main', {})).rejects.toThrow('28P01 password authentication failed')
    await expect(under.mount.write('reset/nothing', {})).rejects.toThrow(
      refusal('invalid_request', 'failed to find entry for connection with name: "nothing"')
    )
  })

  test.each([
    [{}, 'empty plugin name'],
    [{ plugin_name: 'oracle' }, 'error creating database object: plugin_name: unknown plugin, known are file-database-plugin'],
    [{ plugin_name: 'file' }, 'error creating database object: host: cannot be empty'],
    [
      { plugin_name: 'file', host: '/x.db', username_template: 'v-{{randm 20}}' },
      'error creating database object: invalid username template: character 5: unknown function "randm"'
    ],
    [
      { plugin_name: 'file', host: '/x.db', username_template: 'v-{{random 7}}' },
      'error creating database object: invalid username template: 41 bits of its names are random, and 47 are needed'
    ],
    [
      { plugin_name: 'file', host: '/x.db', username_template: '{{.RoleName}}-{{random 20}}' },
      'error creating database object: invalid username template: it makes names of up to 533 bytes, and the server takes 63'
    ],
    [{ plugin_name: 'file', plugin_version: '1.2.3' }, 'plugin_version: only the built-in version'],
    [{ plugin_name: 'file', host: '/x.db', root_rotation_statements: ['{{secret}}'] }, 'unknown placeholder {{secret}}']
  ])('%j is refused: %s', async (fields, message) => {
    await using under = await openDatabaseMount()
    await expect(under.mount.write('config/other', fields)).rejects.toThrow(refusal('invalid_request', message))
    expect(await under.mount.list('config')).toEqual({ keys: ['main'] })
  })

  test('a name that is no name is refused, and never found', async () => {
    await using under = await openDatabaseMount()
    for (const name of ['x"; DROP ROLE postgres; --', "a'b", '$$', '{{password}}', 'a'.repeat(300), '-a', '']) {
      await expect(under.mount.write(`config/${name}`, under.connection)).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(under.mount.write(`roles/${name}`, { db_name: 'main' })).rejects.toMatchObject({ code: 'invalid_request' })
      expect(await under.mount.read(`config/${name}`)).toBeUndefined()
      expect(await under.mount.read(`roles/${name}`)).toBeUndefined()
      await expect(under.mount.read(`creds/${name}`)).rejects.toMatchObject({ code: 'unknown_role' })
    }
    await expect(under.mount.write('config/', under.connection)).rejects.toThrow('empty name attribute given')
    await expect(under.mount.write('roles/', {})).rejects.toThrow('empty role name attribute given')
  })

  test('what is missing at the server is told with the write, and stands in the check', async () => {
    await using under = await openDatabaseMount()
    under.driver.missing = ['pg_signal_backend: sessions stay open after a revocation']
    expect(await under.mount.write('config/main', {})).toEqual({ warnings: under.driver.missing })
    expect(await dataOf(under.mount, 'config/main')).toMatchObject({ check: { missing: under.driver.missing } })
  })

  test('shows what its account can do as it was found last, and when', async () => {
    await using under = await openDatabaseMount()
    await under.mount.issue('creds/app')
    under.driver.missing = ['a right: something costs']
    await under.mount.issue('creds/app')
    expect(await dataOf(under.mount, 'config/main')).toMatchObject({ check: { missing: [], looked_at: '2026-11-25T12:00:00Z' } })
    await under.clock.advance('PT5M')
    await under.mount.issue('creds/app')
    expect(await dataOf(under.mount, 'config/main')).toMatchObject({
      check: { missing: ['a right: something costs'], looked_at: '2026-11-25T12:05:00Z' }
    })
  })

  test('from before the operator asked for verified TLS gives no new credential, and its leases are ended all the same', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    await under.mount.reopen({ targetTls: 'verified' })
    await expect(under.mount.read('creds/app')).rejects.toThrow(refusal('invalid_request', 'tls: verified TLS is required'))
    await expect(under.mount.write('config/main', {})).rejects.toThrow('error creating database object: tls: verified TLS is required')
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    await under.mount.write('config/main', { tls: true })
    await under.mount.issue('creds/app')
  })

  test('of two writes at once one wins', async () => {
    await using under = await openDatabaseMount()
    const writes = await Promise.allSettled([1, 2].map(n => under.mount.write('config/main', { database: `db${n}` })))
    expect(writes.map(write => write.status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(writes.find(write => write.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' })
  })
})
