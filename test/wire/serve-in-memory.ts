import { parseConfig } from '../../src/config.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { serve } from '../../src/serve.ts'

export interface WireReply {
  readonly status: number
  readonly type: string | null
  readonly body: string
  readonly json: Readonly<Record<string, any>>
}

export interface Served extends AsyncDisposable {
  readonly address: string
  readonly root: string
  ask(method: string, path: string, body?: unknown, token?: string): Promise<WireReply>
}

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** The program as it serves, on a free port, with its store in memory. */
export async function serveInMemory(): Promise<Served> {
  const config = parseConfig(
    JSON.stringify({ listener: { address: '127.0.0.1:0', tls: 'off' }, storage: { memory: {} } }),
    import.meta.dirname
  )
  const running = await serve(config, { log: quiet, folder: import.meta.dirname, seal: new DevSeal() })
  const root = 'root-of-the-wire'
  await running.life.initialise({}, { requestId: 'test', remoteAddress: '127.0.0.1', remotePort: 0 }, root)
  const address = `http://127.0.0.1:${running.listener.port}`
  return {
    address,
    root,
    ask: (method, path, body, token = root) => send(`${address}/v1/${path}`, method, body, token),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]()
  }
}

async function send(url: string, method: string, body: unknown, token: string): Promise<WireReply> {
  const reply = await fetch(url, {
    method,
    headers: token === '' ? {} : { 'X-Vault-Token': token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await reply.text()
  return { status: reply.status, type: reply.headers.get('content-type'), body: text, json: text === '' ? {} : JSON.parse(text) }
}
