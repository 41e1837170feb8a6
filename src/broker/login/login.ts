/** A login. The method has looked at the proof and planned; here the plan comes true: what it consumes, the new token and both audit entries are one commit, or nothing of it. */
import { BrokerError } from '../../contracts/index.ts'
import type { Login, Refusal } from '../../contracts/index.ts'
import { planLogin } from '../../identity/plan-login.ts'
import { tokenText } from '../../identity/token-text.ts'
import { randomBase62 } from '../../lease/base62.ts'
import type { Token } from '../../store/token.ts'
import { authBlock } from './auth-block.ts'
import { denied, tokenHash } from '../door/authenticate.ts'
import type { Call } from '../door/core-path.ts'
import type { Exchange } from '../door/exchange.ts'
import type { Mount } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import type { Outcome, Reply } from '../door/request.ts'
import { RefusedLogin } from './refused-login.ts'
import { uuidOf } from '../uuid.ts'

export type LoginAnswer = { readonly login: Login } | { readonly refused: Refusal }

/** What one look at the proof gave, and the changes that it collected. */
export interface Attempt {
  readonly call: Call
  readonly answer: LoginAnswer
}

// Each lost try means that somebody else got in, or that the role was written: five in a row are no accident.
const triesMax = 5

export async function login(
  exchange: Exchange,
  mount: Mount,
  first: Attempt,
  again: () => Promise<Attempt>,
  say: (outcome: Outcome) => Reply
): Promise<Reply> {
  for (let attempt = first, tries = 1; ; attempt = await again(), tries++) {
    const { call, answer } = attempt
    if ('refused' in answer) throw refusal(call.parts, mount, answer.refused, tries)
    refuseLocked(call.parts, mount, answer.login.alias)
    const { token, outcome } = newToken(call, mount, answer.login)
    call.change({ kind: 'token.create', token })
    try {
      await call.parts.at('login:before-commit')
      const reply = await exchange.reply(call.changes, { outcome }, () => say(outcome))
      await call.parts.at('login:after-commit')
      call.parts.lockouts.forget(mount.record, answer.login.alias)
      return reply
    } catch (error) {
      if (tries === triesMax || !(error instanceof BrokerError && error.code === 'conflict')) throw error
    }
  }
}

function newToken(call: Call, mount: Mount, login: Login): { readonly token: Token; readonly outcome: Outcome } {
  const { parts, request } = call
  const { record } = mount
  const plan = planLogin(login, { mountPath: record.path, ttls: parts.mounts.ttls(record) }, parts.clock.now())
  const secret = tokenText(parts.random)
  const token: Token = {
    ...plan.token,
    hash: tokenHash(parts, secret),
    accessor: randomBase62(parts.random, 24),
    path: request.path,
    entity: entityOf(parts, mount, login.alias),
    authMount: record.uuid
  }
  return { token, outcome: { auth: authBlock(token, secret, token.creationTtl), warnings: plan.warnings } }
}

/** The same alias of the same mount is the same entity, whatever token it holds: its leases are its own after the next login too. */
function entityOf({ barrier }: Parts, { record }: Mount, alias: string): string {
  return uuidOf(barrier.mac('entity', `${record.uuid}\n${alias}`))
}

/** Whose proof was good a moment ago, and went to somebody faster, has not guessed. */
function refusal(parts: Parts, mount: Mount, { alias, nobody, message, why }: Refusal, tries: number): BrokerError {
  if (alias !== undefined) refuseLocked(parts, mount, alias, nobody)
  if (alias !== undefined && tries === 1) parts.lockouts.failed(mount.record, alias, nobody)
  return new RefusedLogin(message, why)
}

/** With the right proof too: else a guesser would learn which one it was. */
function refuseLocked(parts: Parts, mount: Mount, alias: string, nobody?: true): void {
  if (parts.lockouts.locked(mount.record, alias, nobody)) throw denied()
}
