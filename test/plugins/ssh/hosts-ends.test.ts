/** Sessions that no list can end: of certificates that were revoked and forgotten while their host was cut off, and of those whose time is over. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'
import type { UserCertificate } from './hosts-stand.ts'

describe.skipIf(missing(sshdMissing()))('a host with sessions', () => {
  let stand: HostStand
  const krlVersion = (): bigint => readFileSync(stand.path('etc/ssh/mayfly/krl')).readBigUInt64BE(12)
  const state = (file: string): string => stand.path(`var/lib/mayfly-host/${file}`)
  const asked = (): number => stand.requests.filter(url => url.endsWith('/sessions')).length
  beforeAll(async () => {
    stand = await HostStand.open()
    expect((await stand.enroll('--principals', 'names')).code).toBe(0)
  })
  const open: ChildProcess[] = []
  const session = async (user: UserCertificate) => {
    const one = await stand.session(user)
    open.push(one.child)
    return one
  }
  afterEach(() => open.splice(0).forEach(child => child.kill()))
  afterAll(() => stand[Symbol.asyncDispose]())

  test('that heard nothing for long asks what it missed, until it is told, and ends what was revoked', async () => {
    const [revoked, other] = [await stand.certificate(), await stand.certificate()]
    const [ending, staying] = [await session(revoked), await session(other)]
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    await stand.ask('POST', 'sys/leases/revoke', { lease_id: revoked.lease })
    // As if the list had forgotten it already: nothing newer than what is there.
    stand.way.instead.set('/report', Buffer.from(`krl ${krlVersion()}\n`))
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    expect(asked()).toBe(0)

    writeFileSync(state('contact'), `${Math.floor(Date.now() / 1_000) - 1_801}\n`)
    stand.way.repliesLost.add('/sessions')
    expect((await stand.run('sync')).code).toBe(1)
    stand.way.repliesLost.clear()
    // By now it has heard of the broker again, and has to ask all the same.
    const { code, stderr } = await stand.run('sync')
    expect([code, stderr]).toEqual([0, expect.stringContaining(`certificate ${revoked.serial} of`)])
    expect(stderr).toContain('was revoked while this host heard nothing')
    expect(await ending.ended).toBe(255)
    expect(staying.child.exitCode).toBe(null)
    const before = asked()
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    expect(asked()).toBe(before)
    stand.way.instead.clear()
  })

  test('ends them so long after their certificates as it was told to, also while it is cut off', async () => {
    const [short, long] = [await stand.certificate({ ttl: '20s' }), await stand.certificate()]
    const [ending, staying] = [await session(short), await session(long)]
    expect(await stand.enrollWithout('--principals', 'names', '--sessions-outlive', 'soon')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--sessions-outlive: keep, or a number of minutes')
    })
    expect(await stand.enrollWithout('--principals', 'names', '--sessions-outlive', '0')).toMatchObject({ code: 0 })
    await stand.run('sync')
    const before = asked()
    await stand.run('sync')
    expect(asked()).toBe(before)
    for (const { serial } of [short, long])
      expect(readFileSync(state('ends'), 'utf8')).toMatch(new RegExp(`^SHA256:\\S+ ${serial} \\d+ good$`, 'm'))

    stand.way.cut = true
    await expect.poll(() => stand.run('sync').then(({ stderr }) => stderr), { timeout: 60_000 }).toContain(`certificate ${short.serial} of`)
    expect(await ending.ended).toBe(255)
    expect(staying.child.exitCode).toBe(null)
    staying.child.kill()
    stand.way.cut = false
    expect(await stand.run('sync')).toMatchObject({ code: 0 })
    expect(readFileSync(state('sessions'), 'utf8')).toBe('')
  })
})
