/** `owned_objects` and `reassign_to` of a role: what is refused, what is frozen with the lease, what the driver is told. */
import { describe, expect, test } from 'vitest'
import { openDatabaseMount } from './mount.ts'

const role = { db_name: 'main', creation_statements: 'create "{{name}}"' }

async function mountOfOwners() {
  const under = await openDatabaseMount()
  Object.assign(under.driver, { ownedObjects: ['keep', 'drop', 'reassign'] })
  return under
}

describe('owned objects', () => {
  test('are reassigned as soon as somebody is named for them, and the driver is told at both ends', async () => {
    await using under = await mountOfOwners()
    const { mount, driver } = under
    expect(await mount.write('roles/app', { reassign_to: 'app_owner' })).toEqual({
      warnings: [
        'reassign_to: views and functions that a user made have the rights of this role from then on: name one that may no more than the users'
      ]
    })
    expect(await mount.read('roles/app')).toMatchObject({ data: { owned_objects: 'reassign', reassign_to: 'app_owner' } })
    const lease = await mount.issue('creds/app')
    // A lease ends as it was frozen, whatever the role says by then.
    await mount.write('roles/app', { owned_objects: 'drop', reassign_to: '' })
    await mount.revoke([lease])
    const owned = { policy: 'reassign', to: 'app_owner' }
    expect([driver.created.at(-1)?.owned, driver.revoked.at(-1)?.owned]).toEqual([owned, owned])
  })

  test('stay unless something else is said, and the lease says nothing of them', async () => {
    await using under = await mountOfOwners()
    const lease = await under.mount.issue('creds/app')
    await under.mount.revoke([lease])
    expect(lease.plan.recipe).not.toHaveProperty('owned')
    expect(under.driver.revoked.at(-1)).not.toHaveProperty('owned')
  })

  test('are dropped only with a word of warning', async () => {
    await using under = await mountOfOwners()
    expect(await under.mount.write('roles/app', { owned_objects: 'drop' })).toEqual({
      warnings: ['owned_objects: what a user of this role owns is dropped when it is revoked, tables with their rows included']
    })
    // An update that says nothing of it keeps it, and another policy ends it.
    await under.mount.write('roles/app', { default_ttl: '1m' })
    expect(await under.mount.read('roles/app')).toMatchObject({ data: { owned_objects: 'drop' } })
    expect(await under.mount.write('roles/app', { owned_objects: 'keep' })).toBeUndefined()
    expect((await under.mount.plan('creds/app')).plan.recipe).not.toHaveProperty('owned')
  })

  test('another policy forgets who was named, and an empty one is none', async () => {
    await using under = await mountOfOwners()
    await under.mount.write('roles/app', { reassign_to: 'app_owner' })
    await under.mount.write('roles/app', { owned_objects: 'keep' })
    expect(JSON.stringify(await under.mount.read('roles/app'))).not.toContain('reassign_to')
    await under.mount.write('roles/app', { owned_objects: '' })
    expect(JSON.stringify(await under.mount.read('roles/app'))).not.toContain('owned_objects')
  })

  test.each([
    [{ owned_objects: 'delete' }, 'owned_objects: expected "reassign", "drop" or "keep"'],
    [{ owned_objects: 'reassign' }, 'reassign_to: needed with owned_objects "reassign": the role that gets the objects'],
    [{ owned_objects: 'drop', reassign_to: 'app_owner' }, 'reassign_to: only with owned_objects "reassign"'],
    [{ owned_objects: 'keep', reassign_to: 'app_owner' }, 'reassign_to: only with owned_objects "reassign"'],
    [{ reassign_to: 'x'.repeat(64) }, 'reassign_to: expected the name of a role, at most 63 bytes'],
    [{ reassign_to: 'a\u0000b' }, 'reassign_to: expected the name of a role, at most 63 bytes']
  ])('%j is refused: %s', async (fields, message) => {
    await using under = await mountOfOwners()
    await expect(under.mount.write('roles/other', { ...role, ...fields })).rejects.toMatchObject({ code: 'invalid_request', message })
    expect(await under.mount.read('roles/other')).toBeUndefined()
  })

  test('are refused where the server knows nothing of them, at the write, or with the first credential', async () => {
    await using under = await openDatabaseMount()
    const refused = { code: 'invalid_request', message: 'owned_objects: the driver file knows "keep" only' }
    await expect(under.mount.write('roles/app', { owned_objects: 'drop' })).rejects.toMatchObject(refused)
    await under.mount.write('roles/early', { ...role, db_name: 'later', owned_objects: 'drop' })
    await under.mount.write('config/later', { ...under.connection, allowed_roles: '*' })
    await expect(under.mount.read('creds/early')).rejects.toMatchObject(refused)
  })
})
