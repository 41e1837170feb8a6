/** What keeps a server from starting, in words that name the setting. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'

test('an address that is taken and a configuration that is not there are told, not traced', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-start-'))
  using stack = new DisposableStack()
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const other = createServer().listen(0, '127.0.0.1')
  stack.defer(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const config = join(folder, 'mayfly.yaml')
  expect(started(config)).toEqual([1, `mayfly: cannot read the configuration file ${config}: there is no such file\n`])
  writeFileSync(config, `listener: { address: 127.0.0.1:${port}, tls: off }\nstorage: { memory: {} }\nlog_level: error\n`)
  expect(started(config)).toEqual([
    1,
    `mayfly: cannot serve: 127.0.0.1:${port} is in use by another program (listener.address, or --dev-listen-address)\n`
  ])
})

function started(config: string): readonly [number | null, string] {
  const { status, stderr } = spawnSync(process.execPath, ['src/main.ts', 'server', '--config', config], {
    encoding: 'utf8',
    timeout: 60_000
  })
  return [status, stderr]
}
