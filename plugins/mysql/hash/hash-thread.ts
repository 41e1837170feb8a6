import { Worker } from 'node:worker_threads'
import { BrokerError } from 'mayfly/plugin'
import type { Asked, Hashed } from './hash-worker.ts'

// In the published package this file is JavaScript, and so is the worker beside it.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

// As many as are hashed side by side. More at once would keep the first of them waiting for the last.
const togetherMax = 4

interface Owed {
  readonly asked: Asked
  readonly promised: PromiseWithResolvers<string>
}

/** What `caching_sha2_password` wants of a password takes 2 ms of one core, and of four 5: on a thread of its own, so that no request waits for it. It starts with the first password, and ends
 *  when nobody holds it any more. */
export class HashThread {
  #running: Running | undefined
  #holders = 0

  hold(): AsyncDisposable {
    this.#holders += 1
    return {
      [Symbol.asyncDispose]: async () => {
        this.#holders -= 1
        if (this.#holders > 0) return
        const last = this.#running
        this.#running = undefined
        await last?.worker.terminate()
      }
    }
  }

  /** As many at once as there are connections that issue: each holds one meanwhile. Whoever is gone before its turn is not hashed for, and whoever goes meanwhile does not wait for the end. */
  async hash(password: string, salt: string, signal: AbortSignal): Promise<string> {
    if (signal.aborted) throw left(signal)
    const running = (this.#running ??= this.#start())
    const owed = { asked: { password, salt }, promised: Promise.withResolvers<string>() }
    const leave = () => {
      const index = running.waiting.indexOf(owed)
      if (index >= 0) running.waiting.splice(index, 1)
      owed.promised.reject(left(signal))
    }
    signal.addEventListener('abort', leave, { once: true })
    running.waiting.push(owed)
    // Several leases are promised in one commit, and come here one after the other in one turn.
    if (running.working.length === 0 && running.waiting.length === 1) setImmediate(() => sendUnlessWorking(running))
    return await owed.promised.promise.finally(() => signal.removeEventListener('abort', leave))
  }

  #start(): Running {
    const worker = new Worker(new URL(`./hash-worker${extension}`, import.meta.url), { name: 'mysql hash' })
    const running: Running = { worker, working: [], waiting: [] }
    let cause: unknown
    worker.on('message', (hashed: Hashed) => {
      for (const [at, { promised }] of running.working.splice(0).entries()) promised.resolve(hashed[at]!)
      send(running)
    })
    worker.on('error', (error: unknown) => (cause = error))
    worker.on('exit', () => {
      if (this.#running === running) this.#running = undefined
      for (const { promised } of [...running.working, ...running.waiting])
        promised.reject(new Error('the thread that hashes has ended', { cause }))
    })
    return running
  }
}

interface Running {
  readonly worker: Worker
  /** What the thread has before it: nothing more is sent meanwhile, so that what comes in is hashed together. */
  readonly working: Owed[]
  readonly waiting: Owed[]
}

const left = (signal: AbortSignal) =>
  new BrokerError('target_unreachable', 'its turn to be hashed did not come in time', { cause: signal.reason })

function sendUnlessWorking(running: Running): void {
  if (running.working.length === 0) send(running)
}

function send({ worker, working, waiting }: Running): void {
  working.push(...waiting.splice(0, togetherMax))
  // Without work it keeps no process alive.
  if (working.length === 0) return worker.unref()
  worker.ref()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
  worker.postMessage(working.map(({ asked }) => asked))
}

/** One for all servers of this broker. */
export const hashThread = new HashThread()
