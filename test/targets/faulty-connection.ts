import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Direction, Fault } from './fault.ts'

/** What a connection asks its proxy. */
export interface FaultSource {
  readonly fault: Fault
  changed(): Promise<void>
  strike(): void
}

// A pattern may lie across two chunks; none of ours is longer.
const patternBytesMax = 256

/** One connection through the proxy, both ways. What one side sends keeps its order, its end included. */
export class FaultyConnection {
  readonly closed: Promise<unknown>
  readonly #sockets: Readonly<Record<Direction, Socket>>
  readonly #source: FaultSource
  readonly #queues: Record<Direction, Promise<void>> = { client: Promise.resolve(), server: Promise.resolve() }
  /** The latest bytes under the present fault. */
  #tail = { fault: undefined as Fault | undefined, text: '' }
  /** A pattern has struck: what becomes of the next bytes from there. */
  #doom: { readonly kind: 'cut' | 'swallow'; readonly of: Direction } | undefined

  constructor(client: Socket, server: Socket, source: FaultSource) {
    this.#sockets = { client, server }
    this.#source = source
    this.closed = Promise.all([client, server].map(socket => new Promise<void>(resolve => socket.once('close', () => resolve()))))
    this.#carry('client')
    this.#carry('server')
    if (source.fault.kind === 'reset') this.reset()
  }

  reset(): void {
    for (const socket of Object.values(this.#sockets)) socket.resetAndDestroy()
  }

  #carry(from: Direction): void {
    const [source, destination] = [this.#sockets[from], this.#sockets[other(from)]]
    source.on('data', (chunk: Buffer) => this.#inOrder(from, () => this.#pass(from, chunk, destination)))
    source.on('end', () => this.#inOrder(from, () => void destination.end()))
    source.on('error', () => this.#inOrder(from, () => this.reset()))
  }

  #inOrder(from: Direction, step: () => Promise<void> | void): void {
    const arrived = this.#travel(from)
    this.#queues[from] = this.#queues[from].then(() => arrived).then(step)
  }

  /** The way through the network: as long as it takes. */
  async #travel(from: Direction): Promise<void> {
    for (let { fault } = this.#source; fault.kind === 'black-hole' && (fault.direction ?? from) === from; { fault } = this.#source)
      await this.#source.changed()
    const { fault } = this.#source
    if (fault.kind === 'delay' && (fault.direction ?? from) === from) await wait(fault.milliseconds)
  }

  #pass(from: Direction, chunk: Buffer, destination: Socket): void {
    if (this.#doom?.of === from) {
      if (this.#doom.kind === 'cut') this.reset()
      return
    }
    const { fault } = this.#source
    if (fault.kind === 'reset') return this.reset()
    if ((fault.kind === 'cut' || fault.kind === 'swallow') && this.#finds(fault, from, chunk)) {
      this.#source.strike()
      if (fault.kind === 'cut' && fault.when === 'before') return this.reset()
      this.#doom = { kind: fault.kind, of: other(from) }
    }
    if (destination.writable) destination.write(chunk)
  }

  #finds(fault: Fault & { readonly pattern: string | RegExp }, from: Direction, chunk: Buffer): boolean {
    if (from !== (fault.kind === 'cut' ? (fault.from ?? 'client') : 'client')) return false
    const text = (this.#tail.fault === fault ? this.#tail.text : '') + chunk.toString('latin1')
    this.#tail = { fault, text: text.slice(-patternBytesMax) }
    return typeof fault.pattern === 'string' ? text.includes(fault.pattern) : fault.pattern.test(text)
  }
}

function other(direction: Direction): Direction {
  return direction === 'client' ? 'server' : 'client'
}
