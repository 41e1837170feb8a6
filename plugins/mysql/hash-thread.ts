import { Worker } from 'node:worker_threads'
import type { Asked, Hashed } from './hash-worker.ts'

// In the published package this file is JavaScript, and so is the worker beside it.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

/** What `caching_sha2_password` wants of a password takes 2 ms of one core: on a thread of its own, so that no request waits for it. It starts with the first password, and ends when nobody
 *  holds it any more. */
export class HashThread {
  #running: Running | undefined
  #holders = 0
  #lastId = 0

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

  /** As many at once as there are connections that issue: each holds one meanwhile. */
  hash(password: string, salt: string): Promise<string> {
    const { worker, owed } = (this.#running ??= this.#start())
    const promised = Promise.withResolvers<string>()
    const id = ++this.#lastId
    owed.set(id, promised)
    worker.ref()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
    worker.postMessage({ id, password, salt } satisfies Asked)
    return promised.promise
  }

  #start(): Running {
    const worker = new Worker(new URL(`./hash-worker${extension}`, import.meta.url), { name: 'mysql hash' })
    const running: Running = { worker, owed: new Map() }
    const { owed } = running
    let cause: unknown
    worker.on('message', ({ id, hash }: Hashed) => {
      owed.get(id)?.resolve(hash)
      owed.delete(id)
      // Without work it keeps no process alive.
      if (owed.size === 0) worker.unref()
    })
    worker.on('error', (error: unknown) => (cause = error))
    worker.on('exit', () => {
      if (this.#running === running) this.#running = undefined
      for (const { reject } of owed.values()) reject(new Error('the thread that hashes has ended', { cause }))
    })
    return running
  }
}

interface Running {
  readonly worker: Worker
  readonly owed: Map<number, PromiseWithResolvers<string>>
}

/** One for all servers of this broker. */
export const hashThread = new HashThread()
