import { BrokerError } from '../../contracts/index.ts'
import type { Operation } from '../../contracts/index.ts'
import { decide } from '../../policy/decide.ts'
import type { Decision, Question } from '../../policy/decide.ts'
import type { Identity, WireRequest } from './request.ts'

/** What the rule must say about a path: its own `sudo`, and whether a write there can be a creation. */
export interface Guarded {
  readonly sudo: boolean
  /** The path in the one form of its names, where they mean the same in capitals. */
  readonly canonical?: string
  /** Present where creating and updating are two rights. */
  readonly exists: (() => Promise<boolean>) | undefined
}

export interface Verdict {
  readonly decision: Decision
  readonly operation: Operation
}

/** Policy decides before anything is looked up, so a caller without permission cannot learn what exists. Where a write may create, both rights are asked for first:
 *  neither, refused without a look; both, go on; one, look, then decide. */
export async function authorize(identity: Identity, request: WireRequest, guarded: Guarded): Promise<Verdict> {
  if (request.operation === 'patch') throw new BrokerError('unsupported_operation', listed('unsupported operation'))
  const ask = (operation: Operation): Verdict => ({ operation, decision: decided(identity, request, operation, guarded) })
  if (request.operation !== 'write') return ask(request.operation)
  const update = ask('update')
  if (!guarded.exists) return update
  const create = ask('create')
  if (create.decision.allowed === update.decision.allowed) return update
  return (await guarded.exists()) ? update : create
}

/** Names that mean the same in capitals: a rule counts however the name is spelled in the request or in the rule, so `role/ADMIN` is no way round a deny of `role/admin`, nor the other way round. Nothing is given
 *  for all that which the written path does not have. */
function decided({ acl }: Identity, request: WireRequest, operation: Operation, { sudo, canonical }: Guarded): Decision {
  const asked = decide(acl, question(request, request.path, operation, sudo))
  if (!asked.allowed || canonical === undefined) return asked
  const meant = [decide(acl, question(request, canonical, operation, sudo))]
  if (acl.lowered) meant.push(decide(acl.lowered, question(request, canonical.toLowerCase(), operation, sudo)))
  return meant.find(({ allowed, rule }) => !allowed && rule !== undefined) ?? asked
}

function question(request: WireRequest, asked: string, operation: Operation, sudo: boolean): Question {
  const path = operation === 'list' ? `${asked}/` : asked
  const wrapSeconds = request.wrapSeconds ?? 0
  return operation === 'list' || operation === 'delete'
    ? { path, capability: operation, sudo, wrapSeconds }
    : { path, capability: operation, sudo, parameters: request.data, wrapSeconds }
}

/** The wire's second spelling of an error: what a library of Go makes of a list of one. */
export function listed(message: string): string {
  return `1 error occurred:\n\t* ${message}\n\n`
}
