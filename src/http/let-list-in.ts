/** Lets the methods LIST and SCAN past Node's HTTP parser, which knows neither and answers 400 before any of our code runs.
 *
 *  Each connection's bytes pass a turnstile on their way to Node's own listener. It follows the stream just far enough to know where a request line starts: the head ends
 *  at an empty line, the body is as long as the head says, and Node's parser itself, fed exactly up to the end of a head, says whether a body follows. Only at such a start
 *  `LIST ` becomes `LINK ` (a method of the same length that the parser knows), and the request made of it gets its own method back before anybody sees it.
 *  A client that sends LINK itself is not translated, so it stays LINK, and is refused.
 *
 *  After a chunked body, whose end only the parser knows, the turnstile looks no further: such a connection ends with its reply. Not chosen: a Duplex in front (twice the
 *  streams on every request), and repairing the parser's error (it touches private parts of Node, and replies of pipelined requests could mix). */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { unhandled } from '../contracts/index.ts'

/** `over`: the event of a connection that is ready for HTTP. Call before any other listener of requests is added. */
export function letListIn(server: Server, over: 'connection' | 'secureConnection'): void {
  const turnstiles = new WeakMap<Socket, Turnstile>()
  server.on(over, (socket: Socket) => turnstiles.set(socket, new Turnstile(socket)))
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
    turnstiles.get(request.socket)?.begun(request, response)
  )
}

const methods = ['LIST ', 'SCAN '] as const
const methodChars = 5
const standIn = Buffer.from('LINK')
const emptyLine = Buffer.from('\r\n\r\n')

const lineFeed = 0x0a
const carriageReturn = 0x0d

class Turnstile {
  readonly #socket: Socket
  /** Node's own listener, which feeds the parser. */
  readonly #feed: (chunk: Buffer) => void
  #stage: 'line' | 'head' | 'body' | 'blind' = 'line'
  /** How many bytes of the empty line have come. */
  #matched = 0
  /** Bytes of the body that are still to come. */
  #left = 0
  /** The first bytes of what may become a method of ours. */
  #held: Buffer | undefined
  #method: string | undefined
  #request: IncomingMessage | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    const [feed] = socket.listeners('data') as ((chunk: Buffer) => void)[]
    if (!feed) throw new Error('the HTTP server does not read this connection')
    this.#feed = feed
    socket.off('data', feed)
    socket.on('data', (chunk: Buffer) => this.#pass(chunk))
  }

  /** Node has made a request of the head that was fed last. */
  begun(request: IncomingMessage, response: ServerResponse): void {
    this.#request = request
    if (this.#method !== undefined) request.method = this.#method
    this.#method = undefined
    if (request.headers['transfer-encoding'] !== undefined) response.setHeader('Connection', 'close')
  }

  #pass(arrived: Buffer): void {
    const chunk = this.#held ? Buffer.concat([this.#held, arrived]) : arrived
    this.#held = undefined
    for (let at = 0; at < chunk.length && !this.#socket.destroyed;) {
      // Node pauses a client that does not read its replies. What is left comes again when it goes on.
      if (this.#socket.isPaused()) {
        this.#socket.unshift(chunk.subarray(at))
        return
      }
      at = this.#step(chunk, at)
    }
  }

  /** Where to go on. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#stage) {
      case 'line':
        return this.#line(chunk, at)
      case 'head':
        return this.#head(chunk, at)
      case 'body':
        return this.#body(chunk, at)
      case 'blind':
        return this.#give(chunk, at, chunk.length)
      default:
        return unhandled(this.#stage)
    }
  }

  #line(chunk: Buffer, at: number): number {
    let start = at
    // Empty lines before a request are allowed.
    while (chunk[start] === carriageReturn || chunk[start] === lineFeed) start++
    if (start === chunk.length) return this.#give(chunk, at, start)
    const method = methods.find(name => startsWith(chunk, start, name))
    if (method !== undefined && chunk.length - start < methodChars) {
      this.#held = chunk.subarray(start)
      if (start > at) this.#give(chunk, at, start)
      return chunk.length
    }
    if (method !== undefined) {
      standIn.copy(chunk, start)
      this.#method = method.trimEnd()
    }
    this.#stage = 'head'
    return this.#head(chunk, at, start)
  }

  #head(chunk: Buffer, at: number, from = at): number {
    const end = this.#endOfHead(chunk, from)
    if (end < 0) return this.#give(chunk, at, chunk.length)
    this.#give(chunk, at, end)
    this.#afterHead()
    return end
  }

  #afterHead(): void {
    const request = this.#request
    this.#request = undefined
    this.#method = undefined
    this.#stage = 'line'
    // Node answered it by itself (too many requests, an unknown expectation), or a chunked body follows.
    if (!request) this.#stage = 'blind'
    else if (!request.complete) {
      this.#left = Number(request.headers['content-length'])
      this.#stage = this.#left > 0 ? 'body' : 'blind'
    }
  }

  #body(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left)
    this.#left -= end - at
    if (this.#left === 0) this.#stage = 'line'
    return this.#give(chunk, at, end)
  }

  #give(chunk: Buffer, at: number, end: number): number {
    this.#feed(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end))
    return end
  }

  /** The place behind the empty line, which may have come in pieces; -1: not yet. */
  #endOfHead(chunk: Buffer, from: number): number {
    let at = from
    for (; this.#matched > 0 && at < chunk.length; at++) if (this.#match(chunk[at]!)) return at + 1
    if (this.#matched > 0) return -1
    const found = chunk.indexOf(emptyLine, at)
    if (found >= 0) return found + emptyLine.length
    for (at = Math.max(at, chunk.length - emptyLine.length + 1); at < chunk.length; at++) this.#match(chunk[at]!)
    return -1
  }

  #match(byte: number): boolean {
    if (byte === carriageReturn) this.#matched = this.#matched === 2 ? 3 : 1
    else if (byte === lineFeed) this.#matched = this.#matched === 1 ? 2 : this.#matched === 3 ? 4 : 0
    else this.#matched = 0
    if (this.#matched < emptyLine.length) return false
    this.#matched = 0
    return true
  }
}

/** As far as the chunk goes. */
function startsWith(chunk: Buffer, at: number, text: string): boolean {
  const length = Math.min(text.length, chunk.length - at)
  for (let i = 0; i < length; i++) if (chunk[at + i] !== text.charCodeAt(i)) return false
  return true
}
