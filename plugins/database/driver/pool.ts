import { BrokerError } from 'mayfly/plugin'
import type { Clock } from 'mayfly/plugin'

export type Purpose = 'issue' | 'revoke'

const idleMsMax = 5 * 60_000
const idleLookMs = 60_000

/** One connection of a driver. */
export interface PooledSession {
  /** False once its state is in doubt, or has been changed for good. */
  readonly usable: boolean
  run(sql: string, signal: AbortSignal): Promise<unknown>
  close(): Promise<void>
  destroy(): void
}

export interface PooledServer<Session> {
  readonly clock: Clock
  readonly settings: { readonly connectionsMax: number; readonly idleMax: number; readonly lifetimeSeconds: number }
  /** Opens one; rejects with what the broker is told. */
  reach(signal: AbortSignal): Promise<Session>
  /** Whether the server said no and goes on. */
  isAnswer(error: unknown): boolean
}

interface Idle<Session> {
  readonly session: Session
  readonly openedAt: number
  readonly since: number
}

interface Waiting {
  readonly purpose: Purpose
  readonly go: () => void
}

/** A few connections to one server. Revoking goes first, and neither purpose may take them all: a flood of one never stops the other. */
export class Pool<Session extends PooledSession> implements AsyncDisposable {
  readonly #server: PooledServer<Session>
  readonly #idle: Idle<Session>[] = []
  readonly #waiting: Waiting[] = []
  readonly #used = new Set<Session>()
  readonly #busy: Record<Purpose, number> = { issue: 0, revoke: 0 }
  readonly #closing = new AbortController()
  #looking = false

  constructor(server: PooledServer<Session>) {
    this.#server = server
  }

  /** Hands a session to `work`. One whose state is in doubt afterwards is closed and not handed out again. */
  async use<T>(purpose: Purpose, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    await this.#enter(purpose, signal)
    try {
      const { session, openedAt } = await this.#take(signal)
      this.#used.add(session)
      try {
        return await this.#clean(session, signal, work)
      } finally {
        this.#used.delete(session)
        await this.#giveBack(session, openedAt)
      }
    } finally {
      this.#leave(purpose)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new BrokerError('target_unreachable', 'the connection is closed'))
    for (const waiting of this.#waiting.splice(0)) waiting.go()
    for (const session of this.#used) session.destroy()
    await Promise.all(this.#idle.splice(0).map(({ session }) => session.close()))
  }

  async #clean<T>(session: Session, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await work(session)
    } catch (error) {
      // The server said no and goes on: its transaction is closed by us. Anything else leaves an unknown outcome.
      if (this.#server.isAnswer(error) && session.usable) await session.run('rollback', signal).catch(() => session.destroy())
      else session.destroy()
      throw error
    }
  }

  async #enter(purpose: Purpose, signal: AbortSignal): Promise<void> {
    this.#closing.signal.throwIfAborted()
    if (this.#mayGo(purpose)) this.#busy[purpose] += 1
    else await this.#wait(purpose, signal)
    if (!this.#closing.signal.aborted) return
    this.#leave(purpose)
    this.#closing.signal.throwIfAborted()
  }

  async #wait(purpose: Purpose, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting: Waiting = {
      purpose,
      go: () => {
        this.#busy[purpose] += 1
        resolve()
      }
    }
    const stop = () => {
      const index = this.#waiting.indexOf(waiting)
      if (index >= 0) this.#waiting.splice(index, 1)
      reject(new BrokerError('target_unreachable', 'no connection became free in time', { cause: signal.reason }))
    }
    this.#waiting.push(waiting)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    await promise.finally(() => signal.removeEventListener('abort', stop))
  }

  #mayGo(purpose: Purpose): boolean {
    const { connectionsMax } = this.#server.settings
    const all = this.#busy.issue + this.#busy.revoke
    return all < connectionsMax && (connectionsMax === 1 || this.#busy[purpose] < connectionsMax - 1)
  }

  #leave(purpose: Purpose): void {
    this.#busy[purpose] -= 1
    for (const next of ['revoke', 'issue'] as const) {
      const index = this.#mayGo(next) ? this.#waiting.findIndex(waiting => waiting.purpose === next) : -1
      if (index >= 0) return this.#waiting.splice(index, 1)[0]!.go()
    }
  }

  async #take(signal: AbortSignal): Promise<{ session: Session; openedAt: number }> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.session.usable && !this.#isOld(idle.openedAt)) return idle
      await idle.session.close()
    }
    return { session: await this.#server.reach(signal), openedAt: this.#server.clock.elapsed() }
  }

  async #giveBack(session: Session, openedAt: number): Promise<void> {
    const keep =
      session.usable && !this.#closing.signal.aborted && this.#idle.length < this.#server.settings.idleMax && !this.#isOld(openedAt)
    if (!keep) return session.close()
    this.#idle.push({ session, openedAt, since: this.#server.clock.elapsed() })
    if (!this.#looking) void this.#closeIdle()
  }

  #isOld(openedAt: number): boolean {
    const { lifetimeSeconds } = this.#server.settings
    return lifetimeSeconds > 0 && this.#server.clock.elapsed() - openedAt > lifetimeSeconds * 1_000
  }

  /** One timer for all, and none while nothing is idle. */
  async #closeIdle(): Promise<void> {
    const { clock } = this.#server
    this.#looking = true
    try {
      while (this.#idle.length > 0) {
        await clock.sleep(idleLookMs, this.#closing.signal)
        const isOver = (idle: Idle<Session>) => !idle.session.usable || clock.elapsed() - idle.since >= idleMsMax
        for (const idle of this.#idle.filter(isOver)) {
          this.#idle.splice(this.#idle.indexOf(idle), 1)
          await idle.session.close()
        }
      }
    } catch {
      // The pool was closed.
    } finally {
      this.#looking = false
    }
  }
}
