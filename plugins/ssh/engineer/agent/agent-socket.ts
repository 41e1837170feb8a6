import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { AgentFrames, agentFrame } from '../../format/agent-frames.ts'
import { AgentSession } from './agent-session.ts'
import type { AgentKeys } from './agent-session.ts'

// A user's own ssh processes, all at once.
const clientsMax = 256

/** The agent on a socket. Who may reach it the folder says: it must be its owner's alone. */
export class AgentSocket implements AsyncDisposable {
  readonly path: string
  readonly #server: Server
  readonly #clients = new Set<Socket>()
  /** When the last client came or went, in milliseconds of this process. */
  lastUse = performance.now()

  private constructor(path: string, keys: AgentKeys) {
    this.path = path
    this.#server = createServer(socket => this.#serve(socket, new AgentSession(keys)))
    this.#server.maxConnections = clientsMax
  }

  static async listen(path: string, keys: AgentKeys): Promise<AgentSocket> {
    const socket = new AgentSocket(path, keys)
    await new Promise<void>((resolve, reject) => {
      socket.#server.once('error', reject)
      socket.#server.listen(path, resolve)
    })
    return socket
  }

  get clients(): number {
    return this.#clients.size
  }

  #serve(socket: Socket, session: AgentSession): void {
    const frames = new AgentFrames()
    let answered: Promise<unknown> = Promise.resolve()
    this.#clients.add(socket)
    this.lastUse = performance.now()
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#clients.delete(socket)
      this.lastUse = performance.now()
    })
    socket.on('data', (piece: Buffer) => {
      try {
        // One after the other: a client that binds and lists at once means the host it has bound.
        for (const message of frames.push(piece))
          answered = answered.then(async () => socket.write(agentFrame(await session.answer(message))))
      } catch {
        socket.destroy()
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
