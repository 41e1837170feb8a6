import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Api } from '../crash/api.ts'
import { Child, freePort } from '../crash/child.ts'
import { story } from './story.ts'

export interface DemoBroker {
  readonly folder: string
  readonly config: string
  readonly api: Api
}

/** A broker in a process of its own, in a folder that is gone with the story. `more`: lines of its configuration. */
export async function startDemoBroker(stack: AsyncDisposableStack, more: readonly string[] = []): Promise<DemoBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-demo-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const address = `127.0.0.1:${await freePort()}`
  const config = join(folder, 'mayfly.yaml')
  const lines = [
    `listener: { address: '${address}', tls: off }`,
    'storage: { sqlite: { path: ./data } }',
    'seal: { key_file: ./seal.key }',
    'audit: [{ type: file, path: ./audit.jsonl }]',
    'log_level: error',
    ...more,
    ''
  ]
  await writeFile(config, lines.join('\n'))
  const broker = stack.use(Child.start(config))
  const api = new Api(`http://${address}`)
  await broker.serving(api.address)
  api.token = (await api.must('PUT', 'sys/init', {})).root_token
  story.good(`Mayfly serves on ${api.address}: leases in SQLite, unsealed by a key file`)
  return { folder, config, api }
}
