import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { hasBody } from './read-body.ts'

/** One client's connection: its TCP socket, and what it has asked that is not answered yet. */
export interface Peer {
  readonly socket: Socket
  /** The socket's own, whatever headers say. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** Aborts when the connection is closed, by whom ever. */
  readonly gone: AbortSignal
  asked: number
  /** It was told that the connection ends with this reply; Node closes it then. */
  told: boolean
  /** The reply to what came last. */
  response: ServerResponse | undefined
}

/** All connections of a listener, bounded: one too many, and the one that has been idle longest makes room, so that ten thousand idle ones keep nobody out. When none is
 *  idle, it is the one that has been sending its request longest: half a request costs a stranger nothing. When all have work under way, the newcomer goes. Connections within their TLS handshake count, and count as idle. */
export class Connections {
  readonly #max: number
  readonly #byAddress = new Map<string, Peer>()
  /** By TCP or TLS socket: whichever the request came over. */
  readonly #bySocket = new WeakMap<Socket, Peer>()
  /** In the order of their last use. */
  readonly #idle = new Set<Peer>()
  /** Whose request is not all there, in the order of their beginning. */
  readonly #sending = new Set<Peer>()
  #closing = false

  constructor(server: Server, max: number) {
    this.#max = max
    server.on('connection', (socket: Socket) => this.#opened(socket))
    server.on('secureConnection', (socket: Socket) => this.#secured(socket))
  }

  /** Whose request this is. */
  peer(socket: Socket): Peer {
    const peer = this.find(socket)
    if (!peer) throw new Error('a request came over a connection that was never opened')
    return peer
  }

  /** `undefined` while a TLS handshake is not done. */
  find(socket: Socket): Peer | undefined {
    return this.#bySocket.get(socket)
  }

  /** Replies say `Connection: close` from now on, and whoever has nothing under way is closed. */
  close(): void {
    this.#closing = true
    for (const { socket } of this.#idle) socket.destroy()
  }

  destroyAll(): void {
    for (const { socket } of this.#byAddress.values()) socket.destroy()
  }

  asked(request: IncomingMessage, response: ServerResponse): void {
    const peer = this.peer(request.socket)
    peer.asked++
    peer.response = response
    this.#idle.delete(peer)
    if (hasBody(request)) this.#sends(peer, request)
    if (this.#closing) {
      peer.told = true
      response.setHeader('Connection', 'close')
    }
    response.once('close', () => this.#answered(peer))
  }

  #sends(peer: Peer, request: IncomingMessage): void {
    this.#sending.add(peer)
    const all = () => void this.#sending.delete(peer)
    request.once('end', all).once('close', all)
  }

  #answered(peer: Peer): void {
    if (--peer.asked > 0) return
    peer.response = undefined
    if (peer.socket.destroyed) return
    // A reply that was begun before the closing did not say so.
    if (this.#closing && !peer.told) peer.socket.destroy()
    else this.#idle.add(peer)
  }

  #opened(socket: Socket): void {
    // It has gone already.
    if (socket.remoteAddress === undefined) {
      socket.destroy()
      return
    }
    const address = addressOf(socket)
    const gone = new AbortController()
    const peer: Peer = {
      socket,
      // An IPv4 client of a listener for both families.
      remoteAddress: socket.remoteAddress.replace(/^::ffff:(?=[\d.]+$)/, ''),
      remotePort: socket.remotePort ?? 0,
      gone: gone.signal,
      asked: 0,
      told: false,
      response: undefined
    }
    this.#byAddress.set(address, peer)
    this.#bySocket.set(socket, peer)
    this.#idle.add(peer)
    socket.once('close', () => {
      gone.abort(new DOMException('the client has gone', 'AbortError'))
      this.#idle.delete(peer)
      if (this.#byAddress.get(address) === peer) this.#byAddress.delete(address)
    })
    if (this.#closing) socket.destroy()
    else if (this.#byAddress.size > this.#max) this.#makeRoom()
  }

  #secured(socket: Socket): void {
    const peer = this.#byAddress.get(addressOf(socket))
    if (peer) this.#bySocket.set(socket, peer)
    else socket.destroy()
  }

  #makeRoom(): void {
    // The newcomer is the last of the idle.
    const [longest] = this.#idle.size > 1 ? this.#idle : [...this.#sending.values().take(1), ...this.#idle]
    longest?.socket.destroy()
  }
}

/** A TLS socket does not tell its TCP socket; both tell their peer. */
function addressOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`
}
