/** The lean client: raw keep-alive sockets, one prebuilt request each, a parser that reads no more of a reply than its status, its length and whether the connection goes on.
 *  It runs in a process of its own and shares the cores with what it measures, so every instruction here is one that the broker does not get. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import process from 'node:process'

export interface LoadOrder {
  readonly port: number
  readonly clients: number
  /** The whole request, head and body. */
  readonly request: string
  /** Ends after so many replies, or after this time, whichever comes first. */
  readonly replies?: number
  readonly milliseconds: number
}

export interface LoadResult {
  readonly replies: number
  /** Replies of 300 and more; the first of them in words. */
  readonly refused: number
  readonly refusal: string
  readonly seconds: number
  readonly medianMs: number
  readonly slowMs: number
}

const emptyLine = '\r\n\r\n'

class Load {
  readonly #order: LoadOrder
  readonly #request: Buffer
  readonly #latencies: number[] = []
  readonly #startedAt = performance.now()
  readonly #done = Promise.withResolvers<void>()
  #sent = 0
  #open = 0
  #refused = 0
  #refusal = ''

  constructor(order: LoadOrder) {
    this.#order = order
    this.#request = Buffer.from(order.request, 'latin1')
  }

  async run(): Promise<LoadResult> {
    for (let i = 0; i < this.#order.clients; i++) this.#client()
    await this.#done.promise
    const latencies = Float64Array.from(this.#latencies).toSorted()
    const at = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0
    return {
      replies: latencies.length,
      refused: this.#refused,
      refusal: this.#refusal,
      seconds: (performance.now() - this.#startedAt) / 1_000,
      medianMs: at(0.5),
      slowMs: at(0.99)
    }
  }

  /** Asks, waits for the reply, asks again. The broker ends a connection after a thousand requests: then another one goes on. */
  #client(): void {
    const socket = connect({ port: this.#order.port, host: '127.0.0.1', noDelay: true })
    let askedAt = 0
    let text = ''
    const ask = (): void => {
      if (this.#isOver()) {
        socket.end()
        return
      }
      this.#sent++
      askedAt = performance.now()
      socket.write(this.#request)
    }
    this.#open++
    socket.on('connect', ask).on('error', error => this.#done.reject(error))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const end = endOfReply(text)
      if (end < 0 || text.length < end) return
      this.#answered(text, askedAt)
      const last = /\r\nconnection: close/i.test(text.slice(0, text.indexOf(emptyLine)))
      text = ''
      if (last) this.#next(socket)
      else ask()
    })
    socket.on('close', () => this.#closed())
  }

  #next(socket: Socket): void {
    if (!this.#isOver()) this.#client()
    socket.end()
  }

  #answered(text: string, askedAt: number): void {
    this.#latencies.push(performance.now() - askedAt)
    if (text.charCodeAt(9) < 0x33) return
    this.#refused++
    this.#refusal ||= text.slice(0, 400)
  }

  #closed(): void {
    if (--this.#open === 0) this.#done.resolve()
  }

  #isOver(): boolean {
    return this.#sent >= (this.#order.replies ?? Infinity) || performance.now() - this.#startedAt >= this.#order.milliseconds
  }
}

/** -1: the head has not come yet. */
function endOfReply(text: string): number {
  const head = text.indexOf(emptyLine)
  if (head < 0) return -1
  const length = /\r\ncontent-length: (\d+)/i.exec(text)
  return head + emptyLine.length + Number(length?.[1] ?? 0)
}

process.on('message', (order: LoadOrder) => {
  new Load(order).run().then(
    result => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) })
  )
})
process.send?.('ready')
