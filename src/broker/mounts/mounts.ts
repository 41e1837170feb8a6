import { BrokerError } from '../../contracts/index.ts'
import type { AuthMethodType, Backend, BackendType, CredentialType, DatabaseDriver, TargetId, Task } from '../../contracts/index.ts'
import type { CorePath } from '../door/core-path.ts'
import { parseMountRecord, plainConfig } from './mount.ts'
import type { Mount, MountRecord } from './mount.ts'
import { mountLeases } from './mount-leases.ts'
import { mountReader } from './mount-storage.ts'
import type { Parts } from '../parts.ts'
import { passwordByPolicy } from './password-policies.ts'
import { Router } from '../door/router.ts'
import { entryPlace } from './sealed-rows.ts'

export interface Catalog {
  readonly backends: ReadonlyMap<string, BackendType>
  readonly databaseDrivers: readonly DatabaseDriver[]
  readonly authMethods?: ReadonlyMap<string, AuthMethodType>
}

/** The paths that are part of the broker itself, by mount path. */
export type CoreTables = Readonly<Record<string, readonly CorePath[]>>

type MountParts = Pick<Parts, 'store' | 'barrier' | 'clock' | 'random' | 'log' | 'instance' | 'settings' | 'healths'>

/** The node's copy of the mount table, with an open backend for each mount. */
export class Mounts implements AsyncDisposable {
  #parts: MountParts
  readonly #catalog: Catalog
  readonly #core: readonly Mount[]
  #byPath: ReadonlyMap<string, Mount> = new Map()
  #byUuid: ReadonlyMap<string, Mount> = new Map()
  #loading: Promise<void> = Promise.resolve()
  generation = -1

  constructor(parts: MountParts, catalog: Catalog, core: CoreTables) {
    this.#parts = parts
    this.#catalog = catalog
    this.#core = Object.entries(core).map(([path, rows]) => ({ kind: 'core', record: coreRecord(path), router: new Router(rows) }))
  }

  /** One load at a time: two would open a backend twice. */
  load(): Promise<void> {
    this.#loading = this.#loading.catch(() => undefined).then(() => this.#load())
    return this.#loading
  }

  /** From here on every backend marks what it makes as this instance's. Whoever still holds one of before only reads. */
  async become(instance: string): Promise<void> {
    await this.#loading.catch(() => undefined)
    const before = this.#byUuid
    this.#parts = { ...this.#parts, instance }
    this.#byUuid = new Map()
    await this.load()
    for (const mount of before.values()) await close(mount)
  }

  async #load(): Promise<void> {
    const { generation, entries } = await this.#parts.store.entries('mount')
    const byUuid = new Map<string, Mount>()
    const tuned = new Map<string, MountRecord>()
    for (const { key, value } of entries) {
      const record = this.#read(key, value)
      if (!record) continue
      if (this.#core.some(mount => mount.record.path === key)) {
        tuned.set(key, record)
        continue
      }
      const present = this.#byUuid.get(record.uuid)
      byUuid.set(
        record.uuid,
        present && present.kind !== 'broken' && present.record.path === record.path ? { ...present, record } : await this.#open(record)
      )
    }
    const gone = [...this.#byUuid.values()].filter(mount => byUuid.get(mount.record.uuid)?.kind !== mount.kind)
    // Of a mount that is part of the broker only what was tuned is stored.
    const core = this.#core.map(mount => ({ ...mount, record: { ...mount.record, ...pickTuned(tuned.get(mount.record.path)) } }))
    const all = [...core, ...byUuid.values()]
    this.#byUuid = byUuid
    this.#byPath = new Map(all.map(mount => [mount.record.path, mount]))
    this.generation = generation
    for (const mount of gone) await close(mount)
  }

  /** A row that does not open is a mount that is not there: its leases wait, and those of all others are served. */
  #read(key: string, value: Uint8Array): MountRecord | undefined {
    try {
      return parseMountRecord(this.#parts.barrier.openJson(entryPlace('mount', key), value))
    } catch (error) {
      this.#parts.log.error('the row of a mount cannot be read', { mount: key }, error)
      return undefined
    }
  }

  async #open(record: MountRecord): Promise<Mount> {
    if (record.path.startsWith('auth/')) return this.#openMethod(record)
    const type = this.#catalog.backends.get(record.type)
    if (!type) return { kind: 'broken', record, why: `no backend of type ${record.type} is loaded` }
    try {
      const backend = await type.open(this.#context(record))
      return { kind: 'backend', record, backend, router: new Router(backend.paths) }
    } catch (error) {
      this.#parts.log.error('a backend did not open', { mount: record.path, type: record.type }, error)
      return { kind: 'broken', record, why: 'its backend did not open' }
    }
  }

  async #openMethod(record: MountRecord): Promise<Mount> {
    const type = this.#catalog.authMethods?.get(record.type)
    if (!type) return { kind: 'broken', record, why: `no auth method of type ${record.type} is loaded` }
    const { barrier, clock, random, log } = this.#parts
    const { path, uuid, accessor } = record
    const storage = mountReader(this.#parts, uuid)
    const mac = (data: string) => barrier.macHex('login', `${uuid}\n${data}`)
    try {
      const method = await type.open({ mount: { path, uuid, accessor }, clock, random, log, storage, mac })
      return { kind: 'auth', record, method, router: new Router(method.paths) }
    } catch (error) {
      this.#parts.log.error('an auth method did not open', { mount: path, type: record.type }, error)
      return { kind: 'broken', record, why: 'it did not open' }
    }
  }

  #context(record: MountRecord) {
    const { store, barrier, clock, random, log, instance, settings, healths } = this.#parts
    return {
      mount: { path: record.path, uuid: record.uuid, accessor: record.accessor },
      instance,
      clock,
      random,
      log,
      storage: mountReader(this.#parts, record.uuid),
      leases: mountLeases(this.#parts, record.uuid),
      health: (target: TargetId) => healths.of(target),
      ttls: () => this.ttls(this.#byUuid.get(record.uuid)?.record ?? record),
      liveLeases: (target: TargetId) => store.liveLeases(target),
      // A copy that lives on beside its original has the same keys: its marks must not pass for the original's, nor the other way.
      mac: (data: string) => barrier.mac(`mark ${instance}`, data),
      generatePassword: (policy: string) => passwordByPolicy(this.#parts, policy),
      targetTls: settings.targetTls,
      targetEndpoints: settings.targetEndpoints ?? [],
      databaseDrivers: this.#catalog.databaseDrivers
    }
  }

  /** The mount that serves a path, and what is left of it below. Mounts never lie inside each other, so the first that fits is the only one. */
  at(path: string): { readonly mount: Mount; readonly rest: string } | undefined {
    for (let slash = path.indexOf('/'); ; slash = path.indexOf('/', slash + 1)) {
      const end = slash < 0 ? path.length : slash
      const mount = this.#byPath.get(`${path.slice(0, end)}/`)
      if (mount) return { mount, rest: path.slice(end + 1) }
      if (slash < 0) return undefined
    }
  }

  byUuid(uuid: string): Mount | undefined {
    return this.#byUuid.get(uuid)
  }

  /** Every mount, by path. */
  get all(): readonly Mount[] {
    return [...this.#byPath.values()].toSorted((a, b) => (a.record.path < b.record.path ? -1 : 1))
  }

  /** The backends that `sys/mounts` may enable. */
  knows(type: string): boolean {
    return this.#catalog.backends.has(type)
  }

  /** The auth methods that `sys/auth` may enable. */
  knowsMethod(type: string): boolean {
    return this.#catalog.authMethods?.has(type) ?? false
  }

  /** The code that ends a lease's credential. Throws while its plugin is missing: the lease waits. */
  credential(uuid: string, name: string): CredentialType {
    const backend = this.backend(uuid)
    const credential = backend.credentials[name]
    if (!credential) throw new BrokerError('target_unreachable', `the backend has no credential type ${name}`)
    return credential
  }

  credentialIfThere(uuid: string, name: string): CredentialType | undefined {
    const mount = this.#byUuid.get(uuid)
    return mount?.kind === 'backend' ? mount.backend.credentials[name] : undefined
  }

  backend(uuid: string): Backend {
    const mount = this.#byUuid.get(uuid)
    if (mount?.kind !== 'backend')
      throw new BrokerError('target_unreachable', mount?.kind === 'broken' ? mount.why : 'the mount is not there')
    return mount.backend
  }

  /** The durable work of a backend or an auth method. */
  task(uuid: string, name: string): Task | undefined {
    const mount = this.#byUuid.get(uuid)
    return mount?.kind === 'auth' ? mount.method.tasks?.[name] : this.backend(uuid).tasks?.[name]
  }

  /** Effective TTLs of a mount in seconds. */
  ttls(record: MountRecord): { readonly defaultTtl: number; readonly maxTtl: number } {
    const { settings } = this.#parts
    return { defaultTtl: record.config.default_lease_ttl || settings.defaultTtl, maxTtl: record.config.max_lease_ttl || settings.maxTtl }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loading.catch(() => undefined)
    for (const mount of this.#byUuid.values()) await close(mount)
    this.#byUuid = new Map()
  }
}

async function close(mount: Mount): Promise<void> {
  if (mount.kind === 'backend') await mount.backend[Symbol.asyncDispose]()
  if (mount.kind === 'auth') await mount.method[Symbol.asyncDispose]()
}

function pickTuned(record: MountRecord | undefined): Partial<MountRecord> {
  return record ? { config: record.config, description: record.description } : {}
}

const coreTypes: Readonly<Record<string, string>> = {
  'sys/': 'system',
  'auth/token/': 'token',
  'cubbyhole/': 'cubbyhole',
  'identity/': 'identity'
}

const coreDescriptions: Readonly<Record<string, string>> = {
  system: 'system endpoints used for control, policy and debugging',
  token: 'token based credentials',
  cubbyhole: 'per-token private secret storage'
}

function coreRecord(path: string): MountRecord {
  const type = coreTypes[path] ?? 'system'
  const accessor = path.startsWith('auth/') ? `auth_${type}_00000000` : `${type}_00000000`
  const description = coreDescriptions[type] ?? ''
  return { path, type, accessor, uuid: `core-${type}`, description, options: null, config: plainConfig, ending: false }
}
