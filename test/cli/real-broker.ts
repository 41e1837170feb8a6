import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../src/config.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { createLog } from '../../src/log.ts'
import { serve } from '../../src/serve.ts'

/** A broker in memory, with a folder for the files of its target and its trail. */
export async function realBroker(
  seal: 'dev' | 'shamir' | 'key_file'
): Promise<{ address: string; folder: string; trail: string; token: string } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-cli-broker-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const trail = join(folder, 'audit.jsonl')
  const config = {
    listener: { address: '127.0.0.1:0', tls: 'off' },
    storage: { memory: {} },
    audit: [{ type: 'file', path: trail }],
    audit_dir: folder,
    log_level: 'error',
    ...(seal === 'key_file' ? { seal: { key_file: './seal.key' } } : {})
  }
  const running = stack.use(
    await serve(parseConfig(JSON.stringify(config), folder), {
      log: createLog('error'),
      folder,
      ...(seal === 'dev' ? { seal: new DevSeal() } : {})
    })
  )
  const from = { requestId: 'test', remoteAddress: '127.0.0.1', remotePort: 0 }
  const { root_token: token = '' } = seal === 'dev' ? await running.life.initialise({}, from) : {}
  const owned = stack.move()
  return {
    address: `http://127.0.0.1:${running.listener.port}`,
    folder,
    trail,
    token: token as string,
    [Symbol.asyncDispose]: () => owned.disposeAsync()
  }
}
