/** The `bin` in small clones and packages of the test's own; the pinned Node is the real one. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect, test } from 'vitest'

const repository = join(import.meta.dirname, '..')
const pinned = dirname(dirname(process.execPath))
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mayfly-bin-'))
  for (const file of ['mayfly.js', 'pinned-node.js', 'install-missing.js'])
    put(`src/${file}`, readFileSync(join(repository, 'src', file), 'utf8'))
  put('package.json', '{ "type": "module" }')
  put('package-lock.json', '{ "packages": {} }')
  put('node_modules/.package-lock.json', '{ "packages": {} }')
  symlinkSync(pinned, join(root, 'node_modules', pinned.split('/').at(-1)!))
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

function start(args: readonly string[] = [], path = process.env['PATH'] ?? '') {
  const { npm_execpath: _, ...env } = process.env
  const child = spawn(process.execPath, [join(root, 'src', 'mayfly.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, PATH: path }
  })
  const result = { stdout: '', stderr: '' }
  const ready = new Promise<void>(resolve => child.stdout.once('data', () => resolve()))
  child.stdout.on('data', data => (result.stdout += String(data)))
  child.stderr.on('data', data => (result.stderr += String(data)))
  const ended = new Promise<typeof result & { code: number | null }>(resolve => child.on('close', code => resolve({ ...result, code })))
  return { child, ready, ended }
}

test('arguments go in, output and exit code come out', async () => {
  put('src/main.ts', "const words: string[] = process.argv.slice(2)\nconsole.log(words.join('|'))\nprocess.exitCode = 7\n")
  expect(await start(['read', 'a b', '-format=json']).ended).toEqual({ stdout: 'read|a b|-format=json\n', stderr: '', code: 7 })
})

test('it runs on the pinned Node, which opens no inspector on SIGUSR1', async () => {
  put('src/main.ts', 'console.log(JSON.stringify([process.execPath, ...process.execArgv]))\n')
  expect(JSON.parse((await start().ended).stdout)).toEqual([process.execPath, '--disable-sigusr1'])
})

test.for(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s reaches the program, which ends in its own way', async signal => {
  put(
    'src/main.ts',
    `process.on('${signal}', () => { console.log('got it'); process.exit(3) })\nsetInterval(() => {}, 1000)\nconsole.log('ready')\n`
  )
  const { child, ready, ended } = start()
  await ready
  child.kill(signal)
  expect(await ended).toEqual({ stdout: 'ready\ngot it\n', stderr: '', code: 3 })
})

test('a program that is killed is told as a shell tells it', async () => {
  put('src/main.ts', "process.kill(process.pid, 'SIGKILL')\n")
  expect((await start().ended).code).toBe(137)
})

test('a published package has no sources: the compiled program starts, and nothing is installed', async () => {
  put('dist/src/main.js', "console.log('compiled')\n")
  rmSync(join(root, 'node_modules', '.package-lock.json'))
  expect(await start().ended).toEqual({ stdout: 'compiled\n', stderr: '', code: 0 })
})

test('a clone that lacks what the lock file names is installed first, and standard output stays the command’s own', async () => {
  put('src/main.ts', "console.log('started')\n")
  put('package-lock.json', '{ "packages": { "": {}, "node_modules/pg": { "version": "8.0.0" } } }')
  put('tools/npm', `#!/bin/sh\necho "npm $1"\ncp package-lock.json node_modules/.package-lock.json\nmkdir node_modules/pg\n`)
  chmodSync(join(root, 'tools/npm'), 0o755)
  const path = `${join(root, 'tools')}:${process.env['PATH']}`
  expect(await start([], path).ended).toEqual({
    stdout: 'started\n',
    stderr: 'mayfly: installing what is missing (npm install), once\nnpm install\n',
    code: 0
  })
  expect(await start([], path).ended).toEqual({ stdout: 'started\n', stderr: '', code: 0 })
})

test('an install that fails starts nothing', async () => {
  put('src/main.ts', "console.log('started')\n")
  put('package-lock.json', '{ "packages": { "node_modules/pg": { "version": "8.0.0" } } }')
  put('tools/npm', '#!/bin/sh\nexit 1\n')
  chmodSync(join(root, 'tools/npm'), 0o755)
  expect(await start([], join(root, 'tools')).ended).toMatchObject({ stdout: '', code: 1 })
})

test('an optional package of another platform is not missing', async () => {
  put('src/main.ts', "console.log('started')\n")
  put('package-lock.json', '{ "packages": { "node_modules/node-for-elsewhere": { "version": "26.10.0", "optional": true } } }')
  expect(await start([], '').ended).toEqual({ stdout: 'started\n', stderr: '', code: 0 })
})
