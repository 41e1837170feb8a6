import { expect, test } from 'vitest'
import { readHost, writeHost } from '../../../plugins/ssh/hosts/host-rows.ts'
import { ssh } from '../../../plugins/ssh/index.ts'
import type { RevokeOutcome } from '../../../src/contracts/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { newKeyLine, userRole } from './mount.ts'

const enrolled = { key: '', at: '', sequence: 0, loginsSequence: 0, krlVersion: 0, krlDate: 0, seenAt: '', endsSessions: true }

test('a host that lags is looked at again, later and later, however old the list is that it lacks', async () => {
  const clock = new TestClock()
  await using mount = await TestMount.open(ssh, { clock, random: systemRandom })
  await mount.write('config/ca', {})
  await mount.write('roles/app', userRole)
  await mount.write('hosts/web1', { names: 'web1' })
  await write(mount, 'web1', enrolled)
  mount.asks = { public_key: newKeyLine() }
  const lease = await mount.issue('sign/app')
  await mount.revoke([lease])
  await mount.runTasks()
  const waits: number[] = []
  for (let looks = 0; looks < 8; looks++) {
    await clock.advance(7_001)
    const [outcome] = await mount.revoke([lease])
    expect(outcome).toMatchObject({ kind: 'outlives', why: expect.stringContaining('web1') })
    const { again } = outcome as Extract<RevokeOutcome, { kind: 'outlives' }>
    waits.push(again.epochMilliseconds - clock.now().epochMilliseconds)
  }
  expect(waits[0]).toBe(5_000)
  expect(waits.at(-1)).toBeGreaterThan(10_000)
  expect(waits).toEqual(waits.toSorted((a, b) => a - b))
})

test('a certificate outlives its revocation where a host ends no sessions, which is named', async () => {
  const clock = new TestClock()
  await using mount = await TestMount.open(ssh, { clock, random: systemRandom })
  await mount.write('config/ca', {})
  await mount.write('roles/app', userRole)
  for (const name of ['sees', 'blind']) {
    await mount.write(`hosts/${name}`, { names: name })
    await write(mount, name, { ...enrolled, krlVersion: 2 ** 40, endsSessions: name === 'sees' })
  }
  mount.asks = { public_key: newKeyLine() }
  const lease = await mount.issue('sign/app')
  expect(lease.plan.guarantees.notes).toContain('no session is ended at blind')
  await mount.revoke([lease])
  await mount.runTasks()
  await clock.advance(7_001)
  expect(await mount.revoke([lease])).toMatchObject([
    { kind: 'outlives', why: expect.stringMatching(/^every host refuses it; .*: blind$/) }
  ])
  const [outcome] = await mount.revoke([lease])
  const { again } = outcome as Extract<RevokeOutcome, { kind: 'outlives' }>
  expect(again.epochMilliseconds - clock.now().epochMilliseconds).toBeLessThanOrEqual(300_000)
  await write(mount, 'blind', { ...enrolled, krlVersion: 2 ** 40 })
  expect(await mount.revoke([lease])).toMatchObject([{ kind: 'gone' }])
})

async function write(mount: TestMount, name: string, said: typeof enrolled): Promise<void> {
  const rows = mount.rows.begin()
  const { host, version } = (await readHost(rows, name))!
  writeHost(rows, name, { ...host, enrolled: said }, version, host)
  rows.commit()
}
