/** A backup becomes a store again, by the two commands that an operator types. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { restore } from '../../src/restore.ts'
import { serve } from '../../src/serve.ts'
import { Shell } from './shell.ts'

function configIn(folder: string, seal: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'mayfly.yaml')
  const storage = 'listener: { address: 127.0.0.1:0, tls: off }\nstorage: { sqlite: { path: ./data } }\n'
  writeFileSync(file, `${storage}seal: ${seal}\n`)
  return file
}

test.each([
  ['key_file', '{ key_file: ../seal.key }', 'Next: start the server, and say what it is: mayfly operator resume --restored'],
  ['shamir', '{ shamir: {} }', 'Next: start the server, unseal it, and say what it is: mayfly operator resume --restored']
])('a restore says what comes next where the seal is %s', async (_, seal, next) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-cli-restore-'))
  using shell = new Shell()
  shell.restore = restore
  try {
    const config = configIn(join(folder, 'one'), seal)
    const shares = await backedUp(shell, config, join(folder, 'a.backup'))
    const other = configIn(join(folder, 'other'), seal)
    const checked = await shell.run(`operator restore --check ${folder}/a.backup --config ${other}`, { stdin: shares })
    expect(checked).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^the backup is whole: the store of \S+, the trail up to line \d+\n$/)
    })
    const restored = await shell.run(`operator restore ${folder}/a.backup --config ${other}`, { stdin: shares })
    expect(restored.code).toBe(0)
    expect(restored.out).toContain(next)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** The shares, where there are any. */
async function backedUp(shell: Shell, config: string, backup: string): Promise<string> {
  await using running = await serve(readConfig(config), { log: createLog('error'), folder: join(config, '..') })
  shell.env['MAYFLY_ADDR'] = `http://127.0.0.1:${running.listener.port}`
  const { out } = await shell.run('operator init -format=json')
  const { root_token: token, unseal_keys_b64: keys = [] } = JSON.parse(out) as { root_token: string; unseal_keys_b64?: string[] }
  const shares = keys.slice(0, 3)
  for (const share of shares) await shell.run('operator unseal -', { stdin: share })
  expect(await shell.run(`operator backup ${backup}`, { env: { MAYFLY_TOKEN: token } })).toMatchObject({ code: 0, err: '' })
  return shares.join('\n')
}
