import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { openBroker } from './open-broker.ts'
import type { Answer, TestBroker } from './open-broker.ts'

/** A broker for each test, with a memory backend at `m/` and a role there. */
export class LeaseStand {
  broker!: TestBroker
  /** Of a token that may issue at `m/` and has `default`. */
  app!: string
  #folder = ''

  constructor() {
    beforeEach(() => this.#open())
    afterEach(() => this.#close())
  }

  async #open(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'mayfly-leases-'))
    this.broker = await openBroker()
    await this.broker.ask('write', 'sys/mounts/m', { type: 'memory' })
    await this.broker.ask('write', 'm/config', { path: join(this.#folder, 'users.db') })
    await this.broker.ask('write', 'm/roles/app', { default_ttl: '1h', max_ttl: '4h' })
    await this.policy('app', { 'm/creds/*': ['read'] })
    this.app = await this.broker.token({ policies: ['app', 'default'] })
  }

  async #close(): Promise<void> {
    await this.broker[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true })
  }

  policy = (name: string, paths: Readonly<Record<string, readonly string[]>>) =>
    this.broker.ask('write', `sys/policies/acl/${name}`, {
      policy: JSON.stringify({ path: Object.fromEntries(Object.entries(paths).map(([path, capabilities]) => [path, { capabilities }])) })
    })

  issue = async (token = this.app): Promise<string> => {
    const { lease, error } = await this.broker.ask('read', 'm/creds/app', {}, { token })
    if (!lease) throw new Error(error)
    return lease.id
  }

  /** Lets the clock run until the broker has answered. */
  meanwhile = async (answer: Promise<Answer>): Promise<Answer> => {
    const waiting = { done: false }
    const ended = answer.finally(() => (waiting.done = true))
    while (!waiting.done) await this.broker.clock.advance(100)
    return ended
  }

  revoke = (data: JsonObject, token?: string) =>
    this.meanwhile(this.broker.ask('write', 'sys/leases/revoke', data, token === undefined ? {} : { token }))

  fault = (name: string, effect = 'revoke') => this.broker.ask('write', 'm/faults', { effect, fault: name })
}
