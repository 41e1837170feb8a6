import { describe, expect, test } from 'vitest'
import { dataOf, refusal } from './answers.ts'
import { openDatabaseMount } from './mount.ts'

const statement = 'create user "{{name}}"; x'
const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('a role', () => {
  test('reads back as the wire wants it, however it was written', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/plain', { db_name: 'main', creation_statements: 'create "{{name}}"; grant x, y', default_ttl: '90s' })
    expect(await dataOf(under.mount, 'roles/plain')).toEqual({
      db_name: 'main',
      creation_statements: ['create "{{name}}"; grant x, y'],
      revocation_statements: [],
      renew_statements: [],
      rollback_statements: [],
      default_ttl: 90,
      max_ttl: 0,
      credential_type: 'password'
    })
  })

  test('shows our own fields once written', async () => {
    await using under = await openDatabaseMount()
    const own = {
      member_of: ['app_ro'],
      connection_limit: 5,
      lease_outlives_token: true,
      accept_open_sessions: false,
      owned_objects: 'keep'
    }
    await under.mount.write('roles/own', { db_name: 'main', ...own, credential_config: 'password_policy=strong' })
    expect(await dataOf(under.mount, 'roles/own')).toMatchObject({ ...own, credential_config: { password_policy: 'strong' } })
  })

  test.each([
    ['an array', [statement, 'more'], [statement, 'more']],
    ['one string, commas and semicolons included', 'a, b; c', ['a, b; c']],
    ['a JSON array in a string', JSON.stringify([statement, 'more']), [statement, 'more']],
    ['base64 of a string', base64(statement), [statement]],
    ['base64 of a JSON array', base64(JSON.stringify([statement, 'more'])), [statement, 'more']],
    ['base64 without a placeholder, as it stands', base64('select 1 from somewhere'), [base64('select 1 from somewhere')]],
    ['what begins like JSON and is none', '[dbo].[x]', ['[dbo].[x]']],
    ['blank elements, dropped', ['', ' ', 'a'], ['a']]
  ])('takes statements as %s', async (_, sent, kept) => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/forms', { db_name: 'main', creation_statements: sent })
    expect(await dataOf(under.mount, 'roles/forms')).toMatchObject({ creation_statements: kept })
  })

  test.each([
    [{}, 'database name is required'],
    [{ db_name: 'main' }, 'empty creation statements'],
    [{ db_name: 'main', creation_statements: 'x {{nonsense}}' }, 'creation_statements: unknown placeholder {{nonsense}}'],
    [{ db_name: 'main', creation_statements: 'x', revocation_statements: 'x {{nonsense}}' }, 'revocation_statements: unknown placeholder'],
    [{ db_name: 'main', creation_statements: 'x\0' }, 'creation_statements: a statement contains NUL'],
    [{ db_name: 'main', member_of: 'a', credential_type: 'rsa_private_key' }, 'unsupported credential_type: "rsa_private_key"'],
    [{ db_name: 'main', member_of: 'a', credential_type: 'x' }, 'invalid credential_type "x"'],
    [{ db_name: 'main', member_of: 'a', credential_config: { bits: '1' } }, 'credential_config validation failed: unknown key "bits"'],
    [{ db_name: 'main', member_of: 'a', connection_limit: 0 }, 'connection_limit: at least 1'],
    [{ db_name: 'main', member_of: 'a', default_ttl: '-1s' }, 'Field validation failed: default_ttl']
  ])('%j is refused: %s', async (fields, message) => {
    await using under = await openDatabaseMount()
    await expect(under.mount.write('roles/other', fields)).rejects.toThrow(refusal('invalid_request', message))
    expect(await under.mount.read('roles/other')).toBeUndefined()
  })

  test('may come before its connection; then its statements are read with the first credential', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/early', { db_name: 'later', creation_statements: 'x {{nonsense}}' })
    await expect(under.mount.read('creds/early')).rejects.toThrow('failed to find entry for connection with name: "later"')
    await under.mount.write('config/later', { ...under.connection, allowed_roles: '*' })
    await expect(under.mount.read('creds/early')).rejects.toThrow('unknown placeholder {{nonsense}}')
    await under.mount.write('roles/early', { creation_statements: 'x {{name}}' })
    await under.mount.issue('creds/early')
  })

  test('changed or deleted, it leaves live leases as they were made', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/app', { revocation_statements: 'first {{name}}' })
    const leases = [await under.mount.issue('creds/app')]
    await under.mount.write('roles/app', { revocation_statements: 'second {{name}}', db_name: 'nowhere' })
    await under.mount.delete('roles/app')
    await expect(under.mount.read('creds/app')).rejects.toThrow(refusal('unknown_role', 'unknown role: app'))
    expect(await under.mount.revoke(leases)).toEqual([{ kind: 'gone' }])
    expect(under.driver.revoked.at(-1)?.statements).toEqual(['first {{name}}'])
    expect(await under.mount.delete('roles/app')).toBeUndefined()
  })
})

describe('a list', () => {
  test('is paged by after and limit, and bounded', async () => {
    await using under = await openDatabaseMount()
    for (const name of ['b', 'a', 'd', 'c']) await under.mount.write(`roles/${name}`, { db_name: 'main', member_of: 'g' })
    expect(await under.mount.list('roles')).toEqual({ keys: ['a', 'app', 'b', 'c', 'd'] })
    expect(await under.mount.list('roles', { limit: 2 })).toEqual({ keys: ['a', 'app'] })
    expect(await under.mount.list('roles', { limit: '2', after: 'app' })).toEqual({ keys: ['b', 'c'] })
    for (const limit of [-1, 1e9]) expect(await under.mount.list('roles', { limit })).toEqual({ keys: ['a', 'app', 'b', 'c', 'd'] })
    for (const limit of [0, -7]) await expect(under.mount.list('roles', { limit })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('of more than a thousand is whole without a limit, and a thousand with any', async () => {
    await using under = await openDatabaseMount()
    const changes = under.mount.rows.begin()
    for (let i = 0; i < 2_500; i++) changes.put(`roles/many-${i}`, {})
    changes.commit()
    const all = await under.mount.list('roles')
    expect(all && 'keys' in all && new Set(all.keys).size).toBe(2_501)
    const bounded = await under.mount.list('roles', { limit: 1e9 })
    expect(bounded && 'keys' in bounded && bounded.keys.length).toBe(1_000)
  })
})
