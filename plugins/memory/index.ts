/** The smallest true backend: users in a file. Read it beside its README to write one of your own. */
import { BrokerError, field, path } from 'mayfly/plugin'
import type { Backend, BackendContext, BackendType, Guarantees, MountReader, Path, Plugin, Task, TargetId } from 'mayfly/plugin'
import { namePrefix, userCredential } from './credential.ts'
import { faultFields, setFault } from './faults.ts'
import { inTarget, purgeRemoved } from './target.ts'

const compactEvery = Temporal.Duration.from('PT1H')

const guarantees: Guarantees = { revocable: 'at once', endsSessions: true, diesByItself: true, listable: true, observable: 'no' }

export const memory: BackendType = {
  type: 'memory',
  async open(context): Promise<Backend> {
    const fileOf = async (target: TargetId) => (await readTarget(context.storage, numberOf(target))).file
    return {
      paths: [configPath(context), ...rolePaths, credsPath(context), faultsPath],
      credentials: { user: userCredential(context, fileOf) },
      tasks: { compact: compactTask(context) },
      targets: async () => (await context.storage.list('targets/')).map(number => ({ id: targetId(context, number), credential: 'user' })),
      [Symbol.asyncDispose]: async () => {}
    }
  }
}

export const plugin: Plugin = { name: 'memory', backends: [memory] }

type Config = { readonly file: string; readonly number: string }
type Role = { readonly default_ttl: number; readonly max_ttl: number; readonly lease_outlives_token: boolean }

/** Another file is another target: leases that live in the old one are ended there. */
function configPath(context: BackendContext): Path {
  return path({
    pattern: 'config',
    summary: 'the file that holds the users',
    fields: { path: field.text() },
    read: async (_, storage) => {
      const config = await storage.get('config')
      return config && { data: { path: (config.value as Config).file } }
    },
    write: async ({ fields }, storage) => {
      const file = openable(fields.path)
      const stored = await storage.get('config')
      if (stored && (stored.value as Config).file === file) return undefined
      const number = String(await storage.reserve('targets', 1))
      storage.put(`targets/${number}`, { file, number })
      storage.put('config', { file, number }, stored?.version ?? 0)
      storage.schedule('compact', number, context.clock.now().add(compactEvery), { number })
      return undefined
    }
  })
}

const rolePaths: readonly Path[] = [
  path({ pattern: 'roles', summary: 'the roles', list: async (_, storage) => ({ keys: await storage.list('roles/') }) }),
  path({
    pattern: 'roles/:name',
    summary: 'how long users live',
    fields: { default_ttl: field.duration(), max_ttl: field.duration(), lease_outlives_token: field.boolean() },
    exists: async ({ params }, storage) => (await storage.get(roleKey(params))) !== undefined,
    read: async ({ params }, storage) => {
      const role = await storage.get(roleKey(params))
      return role && { data: role.value as Role }
    },
    write: async ({ params, fields }, storage) => {
      const stored = await storage.get(roleKey(params))
      const before = stored?.value as Role | undefined
      const role: Role = {
        default_ttl: fields.default_ttl ?? before?.default_ttl ?? 0,
        max_ttl: fields.max_ttl ?? before?.max_ttl ?? 0,
        lease_outlives_token: fields.lease_outlives_token ?? before?.lease_outlives_token ?? false
      }
      storage.put(roleKey(params), role, stored?.version ?? 0)
      return undefined
    },
    delete: async ({ params }, storage) => {
      if (await storage.get(roleKey(params))) storage.remove(roleKey(params))
      return undefined
    }
  })
]

/** Plans a user and touches nothing: the broker makes the promise durable before it calls `issue`. */
function credsPath(context: BackendContext): Path {
  return path({
    pattern: 'creds/:name',
    summary: 'a new user and its password',
    read: async ({ params }, storage) => {
      const stored = await storage.get(roleKey(params))
      if (!stored) throw new BrokerError('unknown_role', `unknown role: ${params['name']}`)
      const role = stored.value as Role
      const { number } = await readConfig(storage)
      const name = `${namePrefix}${params['name']}-${Buffer.from(context.random.bytes(12)).toString('hex')}`
      return {
        issue: {
          credential: 'user',
          target: targetId(context, number),
          role: params['name']!,
          roleVersion: stored.version,
          recipe: null,
          handle: { name },
          name,
          visible: { username: name },
          ttl: role.default_ttl,
          maxTtl: role.max_ttl,
          renewable: true,
          outlivesToken: role.lease_outlives_token,
          guarantees
        }
      }
    }
  })
}

const faultsPath: Path = path({
  pattern: 'faults',
  summary: 'what goes wrong with the next calls',
  sudo: true,
  fields: faultFields,
  write: async ({ fields }, storage) => {
    setFault((await readConfig(storage)).file, fields.effect, fields.fault, fields.count)
    return undefined
  }
})

/** Removed users leave a row behind for an hour or two; this clears them away. */
function compactTask({ clock }: BackendContext): Task {
  return {
    async run(intent, storage) {
      purgeRemoved((await readTarget(storage, (intent as Config).number)).file)
      return { again: clock.now().add(compactEvery) }
    }
  }
}

/** Only files that say by their name what they are, because whoever may write this chooses where the broker writes. */
function openable(file: string | undefined): string {
  if (!file?.startsWith('/') || !file.endsWith('.db') || file.includes('\0'))
    throw new BrokerError('invalid_request', 'path: an absolute path that ends in .db is required')
  try {
    inTarget(file, () => {})
  } catch (cause) {
    throw new BrokerError('invalid_request', 'path: cannot be opened as a file of users', { cause })
  }
  return file
}

async function readConfig(storage: MountReader): Promise<Config> {
  const config = await storage.get('config')
  if (!config) throw new BrokerError('invalid_request', 'no config yet: write path to config')
  return config.value as Config
}

async function readTarget(storage: MountReader, number: string): Promise<Config> {
  const target = await storage.get(`targets/${number}`)
  if (!target) throw new BrokerError('integrity', `no target ${number}`)
  return target.value as Config
}

const targetId = ({ mount }: BackendContext, number: string) => `${mount.uuid}/${number}` as TargetId
const numberOf = (target: TargetId): string => target.slice(target.lastIndexOf('/') + 1)

function roleKey(params: Readonly<Record<string, string>>): string {
  if (!/^[\w-]{1,64}$/.test(params['name'] ?? '')) throw new BrokerError('invalid_request', 'name: letters, digits, "_" and "-" only')
  return `roles/${params['name']}`
}
