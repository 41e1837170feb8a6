/** The backend that the README shows: it is the file beside this one, it keeps the contract, and the real program serves it. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { systemRandom } from '../../src/system-clock.ts'
import { backendContract } from '../contract/backend-contract.ts'
import type { BackendUnderTest } from '../contract/backend-contract.ts'
import { TestMount } from '../contract/test-mount.ts'
import { TestClock } from '../sim/test-clock.ts'
import { PluginFolder } from './plugin-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'mayfly-doors-'))
afterAll(() => rmSync(folder, { recursive: true }))
process.env['DOORS_FOLDER'] = folder
const { plugin } = await import('./doors.ts')
const text = readFileSync(join(import.meta.dirname, 'doors.ts'), 'utf8')

async function openDoors(): Promise<BackendUnderTest> {
  const clock = new TestClock()
  const mount = await TestMount.open(plugin.backends![0]!, { clock, random: systemRandom })
  return {
    mount,
    creds: 'creds/cellar',
    async login({ name, code }) {
      const isOpen = async () => opens(name as string, code as string, clock.now())
      return (await isOpen()) ? { isOpen, [Symbol.asyncDispose]: async () => {} } : undefined
    },
    pass: async instant => clock.advance(instant.since(clock.now()).total('milliseconds') + 1),
    [Symbol.asyncDispose]: () => mount[Symbol.asyncDispose]()
  }
}

/** What a door does, each time that somebody wants to pass. */
function opens(name: string, code: string, now: Temporal.Instant): boolean {
  const file = readdirSync(folder).find(file => file.startsWith(`${name}.`))
  if (file === undefined) return false
  const key = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { hash: string; until: string }
  return key.hash === createHash('sha256').update(code).digest('hex') && Temporal.Instant.compare(now, key.until) < 0
}

backendContract('doors', openDoors)

test('the README shows it to the letter', () => {
  expect(readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')).toContain(`\`\`\`ts\n${text}\`\`\`\n`)
})

test('copied to a folder of its own and named in a configuration, it hands out a key that dies with its lease', async () => {
  using elsewhere = new PluginFolder()
  elsewhere.put('doors.ts', text)
  await using server = await elsewhere.serve('./doors.ts')
  await server.api.must('POST', 'sys/mounts/doors', { type: 'doors' })
  const { lease_id: lease, data } = await server.api.must('GET', 'doors/creds/cellar')
  const now = Temporal.Now.instant()
  expect([opens(data.name, data.code, now), opens(data.name, 'another', now)]).toEqual([true, false])
  await server.api.must('PUT', 'sys/leases/revoke', { lease_id: lease, sync: true })
  expect(opens(data.name, data.code, now)).toBe(false)
})
