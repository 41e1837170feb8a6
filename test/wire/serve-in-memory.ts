import { parseConfig } from '../../src/config.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { serve } from '../../src/serve.ts'
import type { Running, ServeParts } from '../../src/serve.ts'

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
export async function serveInMemory(more: Readonly<Record<string, unknown>> = {}): Promise<Served> {
  const running = await start({ seal: new DevSeal() }, more)
  const root = 'root-of-the-wire'
  await running.life.initialise({}, { requestId: 'test', remoteAddress: '127.0.0.1', remotePort: 0 }, root)
  return served(running, root)
}

/** As `serveInMemory`, but sealed by shares: not initialised yet, and its operator is who asks. */
export async function serveSealed(more: Readonly<Record<string, unknown>> = {}): Promise<Served> {
  return served(await start({}, more), '')
}

/** As `serveSealed`, initialised with one share and unsealed by it. */
export async function serveUnderOneShare(): Promise<Served> {
  const sealed = await serveSealed()
  const { keys, root_token: root } = (await sealed.ask('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })).json
  await sealed.ask('PUT', 'sys/unseal', { key: keys[0] })
  return { ...sealed, root, ask: (method, path, body, token = root) => sealed.ask(method, path, body, token) }
}

function start(parts: Pick<ServeParts, 'seal'>, more: Readonly<Record<string, unknown>> = {}): Promise<Running> {
  const config = { listener: { address: '127.0.0.1:0', tls: 'off' }, storage: { memory: {} }, ...more }
  return serve(parseConfig(JSON.stringify(config), import.meta.dirname), { log: quiet, folder: import.meta.dirname, ...parts })
}

function served(running: Running, root: string): Served {
  const address = `http://127.0.0.1:${running.listener.port}`
  return {
    address,
    root,
    ask: (method, path, body, token = root) => sendWire(`${address}/v1/${path}`, method, body, token),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]()
  }
}

/** One request, and its reply as bytes. */
export async function sendWire(
  url: string,
  method: string,
  body: unknown,
  token: string,
  more: Readonly<Record<string, string>> = {}
): Promise<WireReply> {
  const reply = await fetch(url, {
    method,
    headers: { ...(token === '' ? {} : { 'X-Vault-Token': token }), ...more },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await reply.text()
  return { status: reply.status, type: reply.headers.get('content-type'), body: text, json: text === '' ? {} : JSON.parse(text) }
}
