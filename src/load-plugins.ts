import { isAbsolute } from 'node:path'
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { BrokerError, z } from './contracts/index.ts'
import type { BackendType, DatabaseDriver, Plugin, PluginCommand } from './contracts/index.ts'
import type { Catalog } from './broker/mounts/mounts.ts'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const builtIn = ['database', 'postgresql', 'mysql', 'memory', 'aws', 'ssh'].map(
  name => new URL(`../plugins/${name}/index.${extension}`, import.meta.url).href
)

const withCommands = ['database', 'postgresql', 'mysql', 'aws', 'ssh']

/** What the built-in plugins add to the command line. Their drivers and backends are not loaded for it: each keeps its commands in a file of their own. */
export async function builtInCommands(): Promise<readonly PluginCommand[]> {
  const modules = withCommands.map(name => new URL(`../plugins/${name}/commands.${extension}`, import.meta.url).href)
  const loaded = (await Promise.all(modules.map(url => import(url)))) as readonly { readonly commands: readonly PluginCommand[] }[]
  return loaded.flatMap(({ commands }) => commands)
}

/** Loads the built-in plugins and those that the configuration names, by package name or absolute file. A name that is taken is a mistake of the configuration.
 *  `folder`: where package names are looked up, the configuration's own. */
export async function loadPlugins(names: readonly string[], folder: string): Promise<Catalog> {
  const backends = new Map<string, BackendType>()
  const drivers = new Map<string, DatabaseDriver>()
  for (const [from, url] of [
    ...builtIn.map(url => ['built in', url] as const),
    ...names.map(name => [name, resolvePlugin(name, folder)] as const)
  ]) {
    const plugin = await importPlugin(from, url)
    for (const backend of plugin.backends ?? []) take(backends, backend.type, backend, `backend type ${backend.type}`, from)
    for (const driver of plugin.databaseDrivers ?? [])
      for (const name of new Set([driver.name, ...driver.pluginNames])) take(drivers, name, driver, `database driver ${name}`, from)
  }
  return { backends, databaseDrivers: [...new Set(drivers.values())] }
}

function resolvePlugin(name: string, folder: string): string {
  if (isAbsolute(name)) return pathToFileURL(name).href
  try {
    return resolveIn(folder, name)
  } catch (cause) {
    const hint = /\.[cm]?[jt]s$/.test(name) ? '; the name of a file begins with ./ or /' : ''
    throw new BrokerError('invalid_request', `plugins: cannot find the package ${name} from ${folder}${hint}`, { cause })
  }
}

/** As an `import` in that folder would: `require` knows no package that is for `import` alone. */
function resolveIn(folder: string, name: string): string {
  const parentURL = pathToFileURL(`${folder}/`).href
  const hook = registerHooks({ resolve: (specifier, context, nextResolve) => nextResolve(specifier, { ...context, parentURL }) })
  try {
    return import.meta.resolve(name)
  } finally {
    hook.deregister()
  }
}

async function importPlugin(from: string, url: string): Promise<Plugin> {
  const module = (await import(url).catch((cause: unknown) => {
    throw new BrokerError(
      'invalid_request',
      `plugins: ${from} does not load: ${cause instanceof Error ? cause.message : 'unknown error'}`,
      { cause }
    )
  })) as { readonly plugin?: unknown }
  const shape = pluginShape.safeParse(module.plugin)
  if (shape.success) return module.plugin as Plugin
  const { path, message } = shape.error.issues[0]!
  throw new BrokerError('invalid_request', `plugins: ${from} does not export a plugin: ${['plugin', ...path].join('.')}: ${message}`)
}

const text = z.string('expected a text').min(1, 'expected a text')
const work = z.custom(value => typeof value === 'function', 'expected a function')
// As far as loading goes. What is behind it is for the compiler of its author, and for the contract suite.
const pluginShape = z.object(
  {
    name: text,
    backends: z.array(z.object({ type: text, open: work }, 'expected a backend type'), 'expected a list').optional(),
    databaseDrivers: z
      .array(z.object({ name: text, pluginNames: z.array(text, 'expected a list') }, 'expected a driver'), 'expected a list')
      .optional()
  },
  'expected an object'
)

function take<T>(table: Map<string, T>, key: string, value: T, what: string, from: string): void {
  if (table.has(key)) throw new BrokerError('invalid_request', `plugins: ${from} brings ${what}, which is there already`)
  table.set(key, value)
}
