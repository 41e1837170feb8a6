/** Runs one piece of work after the other. The kernel may hold a write for minutes (a network file system, a full pipe): whoever waits leaves at the deadline, the work
 *  itself goes on, and the next piece begins only when it has ended. So no line is ever on two ways at once. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const mine = this.#last.then(() => {
      signal.throwIfAborted()
      return work()
    })
    this.#last = mine.catch(() => undefined)
    return orAborted(mine, signal)
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
