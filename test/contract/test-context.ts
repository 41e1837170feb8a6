import { createHmac, randomBytes } from 'node:crypto'
import { BrokerError, Secret } from '../../src/contracts/index.ts'
import type { BackendContext, Log } from '../../src/contracts/index.ts'
import { generatePassword } from '../../src/policy/password/generate-password.ts'
import { parsePasswordPolicy } from '../../src/policy/password/parse-password-policy.ts'
import { defaultPasswordPolicy } from '../../src/policy/password/password-policy.ts'
import type { KeptLeases } from './kept-leases.ts'
import type { MountRows } from './mount-storage.ts'
import type { TestMountOptions } from './test-mount.ts'

/** What the broker hands to a backend that it mounts, over rows and leases in memory. */
export function testContext(
  options: TestMountOptions,
  { rows, leases }: { readonly rows: MountRows; readonly leases: KeptLeases }
): BackendContext {
  const key = randomBytes(32)
  return {
    mount: { path: 'test/', uuid: '00000000-0000-4000-8000-000000000001', accessor: 'test_00000001' },
    instance: '1b4e28ba-2fa1-41d2-883f-0016d3cca427',
    clock: options.clock,
    random: options.random,
    log: options.log ?? silentLog,
    storage: rows,
    leases: leases,
    health: async () => ({ state: 'unknown', failures: 0 }),
    ttls: () => ({ defaultTtl: 3_600, maxTtl: 2_764_800 }),
    liveLeases: async target => leases.liveAt(target),
    mac: data => createHmac('sha256', key).update(data).digest(),
    generatePassword: async policy => new Secret(generatePassword(passwordPolicy(options, policy), options.random)),
    targetTls: options.targetTls ?? 'any',
    targetEndpoints: options.targetEndpoints ?? [],
    databaseDrivers: options.databaseDrivers ?? []
  }
}

const silentLog: Log = { info() {}, warn() {}, error() {} }

function passwordPolicy({ passwordPolicies }: TestMountOptions, name: string) {
  if (name === '') return defaultPasswordPolicy
  const text = passwordPolicies?.get(name)
  if (text === undefined) throw new BrokerError('invalid_request', `no password policy "${name}": write sys/policies/password/ first`)
  return parsePasswordPolicy(text)
}
