/** Plugins that other people wrote, in folders outside the clone, loaded by the real program from a configuration. */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PluginFolder } from './plugin-folder.ts'

let folder: PluginFolder
beforeEach(() => void (folder = new PluginFolder()))
afterEach(() => folder[Symbol.dispose]())

/** A backend of one path, whose read does what `body` says. With types it is TypeScript, without them JavaScript that an author's compiler made. */
function pluginText({
  type,
  body,
  imports = '',
  typed = false
}: {
  type: string
  body: string
  imports?: string
  typed?: boolean
}): string {
  const types = typed ? "import type { Backend, BackendContext, Plugin } from 'mayfly/plugin'\n" : ''
  return `${types}import { BrokerError, Secret, path } from 'mayfly/plugin'
${imports}
async function open(context${typed ? ': BackendContext' : ''})${typed ? ': Promise<Backend>' : ''} {
  return {
    paths: [path({ pattern: 'it', summary: 'it', read: async () => { ${body} } })],
    credentials: {},
    [Symbol.asyncDispose]: async () => {}
  }
}
export const plugin${typed ? ': Plugin' : ''} = { name: '${type}', backends: [{ type: '${type}', open }] }
`
}

async function mounted(type: string, ...plugins: readonly string[]) {
  const server = await folder.serve(...plugins)
  await server.api.must('POST', `sys/mounts/${type}`, { type })
  return server
}

describe('a plugin that is named by path', () => {
  test('may be TypeScript in an otherwise empty folder, and imports mayfly/plugin', async () => {
    folder.put('hello.ts', pluginText({ type: 'hello', body: 'return { data: { mount: context.mount.path } }', typed: true }))
    await using server = await mounted('hello', './hello.ts')
    expect((await server.api.must('GET', 'hello/it')).data).toEqual({ mount: 'hello/' })
    expect(server.said()).not.toContain('Warning')
  })

  test('stands beside the built-in ones and others', async () => {
    folder.put('one.ts', pluginText({ type: 'one', body: "return { data: { who: 'one' } }" }))
    folder.put('below/two.js', pluginText({ type: 'two', body: "return { data: { who: 'two' } }" }))
    await using server = await mounted('one', './one.ts', './below/two.js')
    await server.api.must('POST', 'sys/mounts/two', { type: 'two' })
    await server.api.must('POST', 'sys/mounts/memory', { type: 'memory' })
    expect((await server.api.must('GET', 'two/it')).data).toEqual({ who: 'two' })
  })
})

/** What an older Mayfly had under this name: an error with other codes and no status, a secret that tells itself. */
const olderMayfly = `
export class BrokerError extends Error { constructor(code, message) { super(message); this.kind = code } }
export class Secret { constructor(value) { this.value = value } reveal() { return this.value } toString() { return String(this.value) } }
export const path = definition => definition
`

describe('a package with a copy of Mayfly of its own', () => {
  const secret = randomBytes(12).toString('hex')
  const older = "import { Secret as Older } from './node_modules/mayfly/plugin.js'\nimport { inspect } from 'node:util'"

  beforeEach(() => {
    const inside = 'node_modules/@acme/vendor'
    folder.put(`${inside}/node_modules/mayfly/package.json`, '{ "type": "module", "exports": { "./plugin": "./plugin.js" } }')
    folder.put(`${inside}/node_modules/mayfly/plugin.js`, olderMayfly)
    // For `import` alone, as many packages are.
    folder.put(`${inside}/package.json`, '{ "name": "@acme/vendor", "type": "module", "exports": { ".": { "import": "./index.js" } } }')
    folder.put(
      `${inside}/index.js`,
      `import { plugin as errors } from './errors.js'
import { plugin as secrets } from './secrets.js'
export const plugin = { name: 'vendor', backends: [...errors.backends, ...secrets.backends] }`
    )
    folder.put(`${inside}/errors.js`, pluginText({ type: 'errors', body: "throw new BrokerError('conflict', 'somebody else was faster')" }))
    folder.put(
      `${inside}/secrets.js`,
      pluginText({
        type: 'secrets',
        imports: older,
        body: `const secret = new Secret('${secret}')
          context.log.error('here is one', { secret }, new Error('failed', { cause: secret }))
          return { data: { text: \`\${secret}\`, json: JSON.stringify({ secret }), inspected: inspect(secret), same: Secret === Older } }`
      })
    )
  })

  test('throws the BrokerError of the Mayfly that runs it: the right status, the message, no bug', async () => {
    await using server = await mounted('errors', '@acme/vendor')
    expect(await server.api.ask('GET', 'errors/it')).toEqual({ status: 409, body: { errors: ['somebody else was faster'] } })
    expect(server.said()).not.toContain('a request met a bug')
  })

  test('makes secrets that print as [secret], in replies and in the log', async () => {
    await using server = await mounted('secrets', '@acme/vendor')
    const { data } = await server.api.must('GET', 'secrets/it')
    expect(data).toEqual({ text: '[secret]', json: '{"secret":"[secret]"}', inspected: '[secret]', same: false })
    expect(server.said()).toContain('here is one')
    expect(server.said()).not.toContain(secret)
  })
})

describe('a plugin that cannot be used ends the start with exit code 1 and names itself', () => {
  const none = 'return { data: {} }'

  test('a package that is not installed', async () => {
    const { code, said } = await folder.refused('@acme/missing')
    expect(said).toBe(`mayfly: plugins: cannot find the package @acme/missing from ${folder.path}\n`)
    expect(code).toBe(1)
  })

  test('a file that is not there, and one whose name looks like that of a package', async () => {
    folder.put('there.ts', pluginText({ type: 'there', body: none }))
    const missing = await folder.refused('./missing.ts')
    expect(missing.said).toMatch(/^mayfly: plugins: \/.*\/missing\.ts does not load: Cannot find module/)
    expect(missing.code).toBe(1)
    const { code, said } = await folder.refused('there.ts')
    expect(said).toBe(`mayfly: plugins: cannot find the package there.ts from ${folder.path}; the name of a file begins with ./ or /\n`)
    expect(code).toBe(1)
  })

  test.for([
    ['export const other = 1', 'plugin: expected an object'],
    ['export const plugin = { backends: [] }', 'plugin.name: expected a text'],
    ["export const plugin = { name: 'odd', backends: {} }", 'plugin.backends: expected a list'],
    ["export const plugin = { name: 'odd', backends: [{ type: 'odd' }] }", 'plugin.backends.0.open: expected a function'],
    ["export const plugin = { name: 'odd', databaseDrivers: [{ name: 'odd' }] }", 'plugin.databaseDrivers.0.pluginNames: expected a list']
  ] as const)('a module that exports no plugin: %s', async ([text, why]) => {
    folder.put('odd.ts', text)
    const { code, said } = await folder.refused('./odd.ts')
    expect(said).toBe(`mayfly: plugins: ${folder.path}/odd.ts does not export a plugin: ${why}\n`)
    expect(code).toBe(1)
  })

  test('a module that fails while it loads', async () => {
    folder.put('fails.ts', "throw new Error('no licence')")
    const { code, said } = await folder.refused('./fails.ts')
    expect(said).toBe(`mayfly: plugins: ${folder.path}/fails.ts does not load: no licence\n`)
    expect(code).toBe(1)
  })

  test('a package that ships TypeScript, which Node does not run there', async () => {
    folder.put('node_modules/typed/package.json', '{ "type": "module", "exports": "./index.ts" }')
    folder.put('node_modules/typed/index.ts', pluginText({ type: 'typed', body: none, typed: true }))
    const { code, said } = await folder.refused('typed')
    expect(said).toMatch(/^mayfly: plugins: typed does not load: Stripping types is currently unsupported for files under node_modules/)
    expect(code).toBe(1)
  })

  test('a type that is taken, by a built-in plugin or by another', async () => {
    folder.put('mine.ts', pluginText({ type: 'memory', body: none }))
    expect(await folder.refused('./mine.ts')).toEqual({
      code: 1,
      said: `mayfly: plugins: ${folder.path}/mine.ts brings backend type memory, which is there already\n`
    })
    folder.put('one.ts', pluginText({ type: 'same', body: none }))
    folder.put('two.ts', pluginText({ type: 'same', body: none }))
    expect(await folder.refused('./one.ts', './two.ts')).toEqual({
      code: 1,
      said: `mayfly: plugins: ${folder.path}/two.ts brings backend type same, which is there already\n`
    })
  })

  test('a database driver that takes the name under which clients ask for a built-in one', async () => {
    folder.put(
      'driver.ts',
      "export const plugin = { name: 'driver', databaseDrivers: [{ name: 'mine', pluginNames: ['postgresql-database-plugin'] }] }"
    )
    expect(await folder.refused('./driver.ts')).toEqual({
      code: 1,
      said: `mayfly: plugins: ${folder.path}/driver.ts brings database driver postgresql-database-plugin, which is there already\n`
    })
  })
})
