/** `access`: what a mount tells an engineer's own command. */
import { expect, test } from 'vitest'
import { accessPath } from '../../../plugins/ssh/engineer/access-path.ts'
import { readHost, writeHost } from '../../../plugins/ssh/hosts/host-rows.ts'
import { ssh } from '../../../plugins/ssh/index.ts'
import type { JsonObject, PathRequest } from '../../../src/contracts/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { dataOf } from '../../broker/small-broker.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { sshBroker, userRole } from './mount.ts'

const enrolled = { key: '', at: '', sequence: 0, loginsSequence: 0, krlVersion: 0, krlDate: 0, seenAt: '', endsSessions: true }

async function mountWithHosts(...names: readonly string[]): Promise<TestMount> {
  const mount = await TestMount.open(ssh, { clock: new TestClock(), random: systemRandom })
  await mount.write('config/ca', {})
  for (const name of names) {
    await mount.write(`hosts/${name}`, { names: `${name},${name}.example.com`, accounts: { deploy: 'team admins' } })
    await mount.write(`hosts/named-${name}`, { names: `named-${name}` })
    const rows = mount.rows.begin()
    const { host, version } = (await readHost(rows, name))!
    writeHost(rows, name, { ...host, enrolled }, version, host)
    rows.commit()
  }
  return mount
}

/** As a read whose fields are in the query. */
async function access(mount: TestMount, fields: JsonObject = {}): Promise<any> {
  const caller = { displayName: 'alice', accessor: 'a', entity: '', metadata: {} }
  const answer = await accessPath.read!({ fields, caller } as unknown as PathRequest, mount.rows.begin(), new AbortController().signal)
  if (!answer || !('data' in answer)) throw new Error('no answer')
  return answer.data
}

test('as whom each role signs for this caller, and no role that signs for nobody, for hosts, or passwords', async () => {
  await using broker = await sshBroker()
  const write = (role: string, fields: object) => broker.ask('write', `ssh/roles/${role}`, { ...userRole, ...fields })
  await write('anybody', { allowed_users: '*' })
  await write('own', { allowed_users: '{{token.display_name}},deploy', allowed_users_template: true, default_user: '' })
  await write('others', { allowed_users: '{{token.metadata.team}}', allowed_users_template: true })
  await write('nobody', { allowed_users: '' })
  await write('hosts', { allow_user_certificates: false, allow_host_certificates: true, allowed_domains: 'example.com' })
  await broker.ask('write', 'ssh/roles/password', { key_type: 'otp', default_user: 'deploy', cidr_list: '10.0.0.0/8' })
  const { roles, host_keys: keys, hosts } = dataOf(await broker.ask('read', 'ssh/access'))
  expect(roles).toEqual([
    { role: 'anybody', principals: ['*'], default: ['alice'], ttl: 600, max_ttl: 3600 },
    { role: 'app', principals: ['alice', 'deploy'], default: ['alice'], ttl: 600, max_ttl: 3600 },
    { role: 'own', principals: ['root', 'deploy'], default: [], ttl: 600, max_ttl: 3600 }
  ])
  expect([keys, hosts]).toEqual([[expect.stringMatching(/^ssh-ed25519 AAAA/)], []])
})

test('needs a right of its own, as every path', async () => {
  await using broker = await sshBroker()
  await expect(broker.ask('read', 'ssh/access', {}, '')).rejects.toMatchObject({ code: 'permission_denied' })
})

test('the hosts that trust this mount, and one of them by any of its names', async () => {
  await using mount = await mountWithHosts('web1', 'web2')
  const web1 = { host: 'web1', names: ['web1', 'web1.example.com'], certified: true }
  expect((await access(mount)).hosts).toMatchObject([web1, { host: 'web2' }])
  for (const host of ['web1', 'web1.example.com', 'WEB1.example.com']) expect((await access(mount, { host })).hosts).toEqual([web1])
  for (const host of ['named-web1', 'web1.example.org', 'web', '../x', 'a..b', '*'])
    expect((await access(mount, { host })).hosts).toEqual([])
})

test('which principals an account takes: what is said of the host, else its own name', async () => {
  await using mount = await mountWithHosts('web1')
  const principals = async (host: string, user: string) => (await access(mount, { host, user })).principals
  expect(await principals('web1.example.com', 'deploy')).toEqual(['team', 'admins'])
  expect(await principals('web1', 'alice')).toEqual(['alice'])
  expect(await principals('elsewhere', 'deploy')).toEqual(['deploy'])
})
