import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'

/** A module in a process of its own that says `ready`, takes one order at a time and answers each. */
export class WorkerProcess<Order extends object, Result> implements AsyncDisposable {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start<Order extends object, Result>(file: string): Promise<WorkerProcess<Order, Result>> {
    const child = fork(join(import.meta.dirname, file), [], {
      execArgv: ['--import', new URL('../../src/plugin-name.ts', import.meta.url).href],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    const worker = new WorkerProcess<Order, Result>(child)
    await worker.#word()
    return worker
  }

  async run(order: Order): Promise<Result> {
    const word = this.#word()
    this.#child.send(order)
    const answer = (await word) as { readonly result: Result } | { readonly error: string }
    if ('error' in answer) throw new Error(answer.error)
    return answer.result
  }

  #word(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('a process of the bench ended early'))
      this.#child.once('exit', ended)
      this.#child.once('message', word => {
        this.#child.off('exit', ended)
        resolve(word)
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill()
    await ended
  }
}
