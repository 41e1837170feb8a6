import { createConnection, createServer } from 'node:net'
import type { Server } from 'node:net'
import type { Fault } from './fault.ts'
import { FaultyConnection } from './faulty-connection.ts'

/** A TCP proxy that does to connections what networks do. It sees bytes, so what it shall find in them must not be under TLS. */
export class FaultProxy implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly #server: Server
  readonly #connections: Set<FaultyConnection>
  #fault: Fault = { kind: 'pass' }
  #strikes = 0
  #onChange: (() => void)[] = []

  private constructor(server: Server, port: number, connections: Set<FaultyConnection>) {
    this.#server = server
    this.port = port
    this.#connections = connections
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<FaultProxy> {
    const connections = new Set<FaultyConnection>()
    const server = createServer({ allowHalfOpen: true }, client => {
      const connection = new FaultyConnection(client, createConnection({ ...target, allowHalfOpen: true }), proxy)
      connections.add(connection)
      void connection.closed.then(() => connections.delete(connection))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const proxy = new FaultProxy(server, typeof address === 'object' && address !== null ? address.port : 0, connections)
    return proxy
  }

  get fault(): Fault {
    return this.#fault
  }

  set fault(fault: Fault) {
    this.#fault = fault
    for (const resolve of this.#onChange.splice(0)) resolve()
  }

  /** How often a fault with a pattern has struck. */
  get strikes(): number {
    return this.#strikes
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#connections.size
  }

  /** Resolves when another fault is set, or the present one has struck. */
  changed(): Promise<void> {
    return new Promise(resolve => this.#onChange.push(resolve))
  }

  /** For its connections: a fault with a pattern has found it, and is over. */
  strike(): void {
    this.#strikes++
    this.fault = { kind: 'pass' }
  }

  /** Resets every connection that is open now. */
  resetAll(): void {
    for (const connection of this.#connections) connection.reset()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.resetAll()
    await closed
  }
}
