/** Who may import whom. Plant a stray import once to see it fail. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Room -> what its files may import: rooms (a folder below src, or one file), packages. `node:` modules are judged below. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'src/contracts': ['zod'],
  'src/config.ts': ['src/contracts', 'yaml'],
  'src/client': ['src/contracts'],
  'src/lease': ['src/contracts'],
  'src/policy': ['src/contracts'],
  'src/seal': ['src/contracts'],
  'src/audit': ['src/contracts'],
  'src/backup': ['src/contracts'],
  'src/store': ['src/contracts', 'src/lease', 'src/audit/chain.ts'],
  'src/identity': ['src/contracts', 'src/policy', 'src/lease', 'src/store/store.ts', 'src/store/token.ts', 'src/store/change.ts'],
  'src/auth': [
    'src/contracts',
    'src/policy',
    'src/lease',
    'src/identity',
    'src/store/store.ts',
    'src/store/token.ts',
    'src/store/change.ts',
    'src/broker'
  ],
  'src/broker': [
    'src/backup',
    'src/contracts',
    'src/lease',
    'src/policy',
    'src/identity',
    'src/seal',
    'src/audit',
    'src/store/store.ts',
    'src/store/token.ts',
    'src/store/change.ts',
    'prom-client'
  ],
  'src/http': [
    'src/contracts',
    'src/broker',
    'src/policy',
    'src/identity',
    'src/lease',
    'src/store/store.ts',
    'src/store/token.ts',
    'src/store/change.ts',
    'express',
    'prom-client'
  ],
  'src/tls': ['src/contracts', 'src/config.ts', 'src/http/tls-options.ts', 'node-forge'],
  'src/cli': ['src/backup', 'src/contracts', 'src/client', 'src/policy', 'src/audit/verify.ts', 'commander', 'yaml'],
  // What the built-in drivers share lies with the engine.
  plugins: ['mayfly/plugin', 'plugins/database/driver', 'pg', 'mysql2', '@aws-sdk/client-iam', '@aws-sdk/client-sts', 'ssh2']
}

/** Rooms that touch neither time, timers, random sources, files nor sockets by themselves: those come in through the front door. */
const core = [
  'src/contracts',
  'src/lease',
  'src/policy',
  'src/identity',
  'src/auth',
  'src/broker',
  'src/store/store.ts',
  'src/store/change.ts',
  'src/store/token.ts'
]
const forbiddenInCore = [
  /\bDate\b/,
  /\bperformance\b/,
  /\bset(Timeout|Interval|Immediate)\(/,
  /Math\.random/,
  /\bfetch\(/,
  /\bprocess\./,
  /randomBytes|randomInt|randomUUID/
]
const nodeModulesInCore = ['node:crypto', 'node:net']

interface Source {
  readonly file: string
  readonly text: string
  readonly imports: readonly string[]
}

const sources: readonly Source[] = globSync(['src/**/*.ts', 'plugins/**/*.ts'], { cwd: root }).map(file => {
  const text = readFileSync(join(root, file), 'utf8')
  const imports = [...text.matchAll(/\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)].map(
    match => match[1] ?? match[2] ?? match[3]!
  )
  return {
    file,
    text,
    imports: imports.map(specifier => (specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier))
  }
})

function roomOf(file: string): string | undefined {
  return Object.keys(allowed).find(room => file === room || file.startsWith(`${room}/`))
}

function inside(path: string, room: string): boolean {
  return path === room || path.startsWith(`${room}/`)
}

test('every room imports only what it may', () => {
  const strays = sources.flatMap(({ file, imports }) => {
    const room = roomOf(file)
    if (!room) return []
    const plugin = file.split('/').slice(0, 2).join('/')
    const own = room === 'plugins' ? plugin : room
    return imports
      .filter(path => !path.startsWith('node:') && !inside(path, own) && !allowed[room]!.some(other => inside(path, other)))
      .map(path => `${file} imports ${path}`)
  })
  expect(strays).toEqual([])
})

test('only the composition root knows everyone', () => {
  const knowing = sources.filter(({ file }) => /^src\/[^/]+\.ts$/.test(file) && file !== 'src/config.ts').map(({ file }) => file)
  expect(knowing.toSorted()).toEqual(
    [
      'src/dev-seal.ts',
      'src/load-plugins.ts',
      'src/log.ts',
      'src/main.ts',
      'src/plugin-name.ts',
      'src/restore.ts',
      'src/serve.ts',
      'src/server.ts',
      'src/system-clock.ts',
      'src/version.ts'
    ].toSorted()
  )
})

test('the core takes time, randomness and I/O through the front door', () => {
  const strays = sources
    .filter(({ file }) => core.some(room => inside(file, room)))
    .flatMap(({ file, text, imports }) => {
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').replace(/'[^'\n]*'|`[^`]*`/g, "''")
      return [
        ...forbiddenInCore.filter(pattern => pattern.test(code)).map(pattern => `${file} uses ${String(pattern)}`),
        ...imports.filter(path => path.startsWith('node:') && !nodeModulesInCore.includes(path)).map(path => `${file} imports ${path}`)
      ]
    })
  expect(strays).toEqual([])
})

test('no folder is called what holds anything', () => {
  const bins = /(^|\/)(utils?|helpers?|common|lib|shared|misc)(\/|\.ts$)|(^|\/)types\.ts$/
  expect(sources.map(({ file }) => file).filter(file => bins.test(file))).toEqual([])
})
