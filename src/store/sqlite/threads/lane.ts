import { BrokerError } from '../../../contracts/index.ts'
import { arrivedError } from './carried-error.ts'
import type { CarriedError } from './carried-error.ts'
import type { CommitItem } from '../committer.ts'

/** A call and its answer. Several travel in one message. */
export type Call = { readonly id: number } & Ask

export type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: CarriedError })

type Post = (calls: Call[]) => void

type Ask =
  | { readonly commit: CommitItem }
  | { readonly read: string; readonly parameters: readonly unknown[] }
  /** The whole database, to a file that is not there yet. Answered out of turn: commits go on meanwhile. */
  | { readonly copyTo: string }

// A message costs more than what it carries; but when all callers travel in one, this thread and the worker take turns, and each waits for the other. Measured at 16 callers
// on two cores: with eight 5,400 commits a second become 6,400, and with two they are fewer again.
const callsPerMessageMax = 8

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** The main thread's end of a connection: gathers the calls of a turn into few messages, and matches answers to callers. */
export class Lane {
  readonly #post: Post
  readonly #later: (flush: () => void) => void
  readonly #waiting = new Map<number, Waiting>()
  #calls: Call[] = []
  #nextId = 1
  #groups = 0
  #answered = 0
  #broken: Error | undefined

  constructor(post: Post, later: (flush: () => void) => void) {
    this.#post = post
    this.#later = later
  }

  ask(ask: Ask): Promise<unknown> {
    if (this.#broken) return Promise.reject(this.#broken)
    const id = this.#nextId++
    if (this.#calls.length === 0) this.#later(() => this.#flush())
    this.#calls.push({ id, ...ask })
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    if (this.#calls.length >= callsPerMessageMax) this.#flush()
    return answer
  }

  /** Messages of answers so far, and the answers in them: of a writing lane its group commits. */
  get answers(): { readonly groups: number; readonly calls: number } {
    return { groups: this.#groups, calls: this.#answered }
  }

  answered(answers: readonly Answer[]): void {
    this.#groups++
    this.#answered += answers.length
    for (const answer of answers) {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('error' in answer) waiting?.reject(arrivedError(answer.error))
      else waiting?.resolve(answer.value)
    }
  }

  /** Everything that waits, and whatever comes later, fails. What was under way may have been committed or not: its caller must not believe either. */
  breakOff(why: Error): void {
    this.#broken ??= why
    for (const waiting of this.#waiting.values()) waiting.reject(this.#broken)
    this.#waiting.clear()
    this.#calls = []
  }

  /** Sends what is gathered; from here on nothing more is taken. */
  finish(): void {
    this.#flush()
    this.#broken ??= new BrokerError('store_unreachable', 'the store is closed')
  }

  #flush(): void {
    const calls = this.#calls
    this.#calls = []
    if (calls.length > 0) this.#post(calls)
  }
}
