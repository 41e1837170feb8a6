import { listenAt } from '../../src/http/listener.ts'
import type { Listener, ListenOptions } from '../../src/http/listener.ts'
import { EchoDoor, keepingLog } from './echo-door.ts'
import { RawClient, bytes } from './raw-client.ts'
import type { RawReply } from './raw-client.ts'

export interface Serving extends AsyncDisposable {
  readonly door: EchoDoor
  readonly log: ReturnType<typeof keepingLog>
  readonly listener: Listener
  /** One request on a connection of its own. */
  ask(method: string, target: string, headers?: Readonly<Record<string, string>>, body?: string): Promise<RawReply>
  connect(): RawClient
}

/** A real listener before an echo door. */
export async function serving(more: Partial<ListenOptions> = {}): Promise<Serving> {
  const door = new EchoDoor()
  const log = keepingLog()
  const listener = await listenAt(door, { host: '127.0.0.1', port: 0, log, ...more })
  const connect = () => (more.tls ? RawClient.tls(listener.port, more.tls.cert) : RawClient.plain(listener.port))
  return {
    door,
    log,
    listener,
    connect,
    async ask(method, target, headers, body) {
      using client = connect()
      await client.send(bytes(method, target, headers, body))
      const reply = await client.reply(method === 'HEAD')
      if (!reply) throw new Error('the connection ended without a reply')
      return reply
    },
    [Symbol.asyncDispose]: () => listener.close(0)
  }
}
