import { describe, expect, test } from 'vitest'
import { usersOf } from '../../../plugins/memory/target.ts'
import { issueAndEnd, refusal } from './answers.ts'
import { openDatabaseMount } from './mount.ts'

describe('the versions of a connection', () => {
  test('a lease is ended where it lives, wherever the connection points now', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { host: under.server('second') })
    const moved = await under.mount.issue('creds/app')
    expect(moved.plan.target).not.toBe(lease.plan.target)
    expect(names(under.server('second'))).toEqual([moved.plan.name])
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    expect(names(under.server('main'))).toEqual([])
    expect(names(under.server('second'))).toEqual([moved.plan.name])
  })

  test('a write that reaches the same keeps its target', async () => {
    await using under = await openDatabaseMount()
    const before = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { ...under.connection, allowed_roles: '*' })
    expect((await under.mount.plan('creds/app')).plan.target).toBe(before.plan.target)
  })

  test('a target id never comes back, not even after a delete', async () => {
    await using under = await openDatabaseMount()
    const seen = new Set<string>()
    for (const host of ['second', 'main', 'second', 'main']) {
      await under.mount.write('config/main', { ...under.connection, host: under.server(host) })
      seen.add((await issueAndEnd(under.mount)).plan.target)
    }
    await under.mount.delete('config/main')
    await under.mount.write('config/main', under.connection)
    seen.add((await under.mount.plan('creds/app')).plan.target)
    expect(seen.size).toBe(5)
  })

  test('a new password of the account reaches every version that logs in with it, and no other', async () => {
    await using under = await openDatabaseMount()
    const oldest = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { database: 'two' })
    const second = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { host: under.server('elsewhere') })
    const elsewhere = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { host: under.server('main'), database: 'two' })

    under.driver.adminPassword = 'second'
    await under.mount.write('config/main', { password: 'second' })
    expect(await under.mount.revoke([oldest])).toEqual([{ kind: 'gone' }])
    expect(await under.mount.revoke([second])).toEqual([{ kind: 'gone' }])
    await expect(under.mount.revoke([elsewhere])).rejects.toThrow('28P01')
  })

  test('a server with the old password is closed when its last call has ended', async () => {
    await using under = await openDatabaseMount()
    await issueAndEnd(under.mount)
    const [before] = under.driver.opened
    under.driver.adminPassword = 'second'
    await under.mount.write('config/main', { password: 'second' })
    await issueAndEnd(under.mount)
    expect(under.driver.opened.size).toBe(1)
    expect(under.driver.opened.has(before!)).toBe(false)
  })

  test('an old version goes with a later write, once no lease lives there', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { database: 'two' })
    await under.mount.write('config/main', {})
    expect(await under.mount.rows.list('connection/main/')).toEqual(['1', '2'])
    await under.mount.revoke([lease])
    await under.mount.write('config/main', {})
    expect(await under.mount.rows.list('connection/main/')).toEqual(['2'])
    await expect(under.mount.perform(lease, { createBy: under.clock.now().add({ minutes: 1 }) })).rejects.toMatchObject({
      code: 'integrity'
    })
  })

  test('a lease that was planned before its version was superseded may still begin', async () => {
    await using under = await openDatabaseMount()
    const plan = await under.mount.read('creds/app')
    await under.mount.write('config/main', { database: 'two' })
    expect(plan).toHaveProperty('issue.target')
    if (plan && 'issue' in plan) expect(() => under.mount.rows.refuseRetired(plan.issue.target)).not.toThrow()
  })

  test('a connection with live leases is not deleted, and the refusal counts them', async () => {
    await using under = await openDatabaseMount()
    const leases = [await under.mount.issue('creds/app')]
    await under.mount.write('config/main', { database: 'two' })
    leases.push(await under.mount.issue('creds/app'))
    await expect(under.mount.delete('config/main')).rejects.toThrow(refusal('invalid_request', 'connection "main" has 2 live leases'))
    for (const lease of leases) await under.mount.revoke([lease])
    expect(await under.mount.delete('config/main')).toBeUndefined()
    expect(await under.mount.read('config/main')).toBeUndefined()
    expect(await under.mount.delete('config/main')).toBeUndefined()
  })

  test('a lease that would begin after the delete does not', async () => {
    await using under = await openDatabaseMount()
    const answer = await under.mount.read('creds/app')
    await under.mount.delete('config/main')
    if (!answer || !('issue' in answer)) throw new Error('no plan')
    expect(() => under.mount.rows.refuseRetired(answer.issue.target)).toThrow('retired')
  })
})

const names = (file: string): readonly string[] => usersOf(file).map(user => user.name)
