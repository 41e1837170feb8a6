import { expect, test } from 'vitest'
import { hostsBehind, writeHost } from '../../../plugins/ssh/hosts/host-rows.ts'
import type { Host } from '../../../plugins/ssh/hosts/host-rows.ts'
import { ssh } from '../../../plugins/ssh/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { MountRows } from '../../contract/mount-storage.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'

test('what of the hosts answers without a token', async () => {
  await using mount = await TestMount.open(ssh, { clock: new TestClock(), random: systemRandom })
  const open = mount.backend.paths.filter(one => one.open && /^host|^krl\/news/.test(one.pattern)).map(({ pattern }) => pattern)
  expect(open.toSorted()).toEqual([
    'host-script',
    'host-script/principals',
    'host-script/session',
    'hosts/:host/enroll',
    'hosts/:host/leave',
    'hosts/:host/logins',
    'hosts/:host/nonce',
    'hosts/:host/principals',
    'hosts/:host/renew',
    'hosts/:host/report',
    'hosts/:host/sessions',
    'krl/news'
  ])
})

const running = (krlVersion: number): Host => ({
  names: [],
  ttl: 60,
  accounts: {},
  enrolled: { key: '', at: '', sequence: 0, loginsSequence: 0, krlVersion, krlDate: 0, seenAt: '', endsSessions: true },
  reached: null
})

test('of all the hosts of a mount those behind are known, the furthest first, and no more are named than a person reads', async () => {
  const rows = new MountRows(() => 0)
  const write = (name: string, host: Host, version: number, before?: Host): void => {
    const changes = rows.begin()
    writeHost(changes, name, host, version, before)
    changes.commit()
  }
  expect(await hostsBehind(rows, 1_000)).toEqual({ none: true, behind: [], more: false })
  for (let at = 0; at < 200; at++) write(`host-${at}`, running(1_000 + (at % 198)), 0)
  expect(await hostsBehind(rows, 1_000)).toEqual({ none: false, behind: [], more: false })
  expect(await hostsBehind(rows, 1_002)).toEqual({ none: false, behind: ['host-0', 'host-198', 'host-1', 'host-199'], more: false })
  expect(await hostsBehind(rows, 9_999)).toMatchObject({ behind: { length: 20 }, more: true })
  write('host-0', running(9_999), 1, running(1_000))
  expect((await hostsBehind(rows, 1_001)).behind).toEqual(['host-198'])
})
