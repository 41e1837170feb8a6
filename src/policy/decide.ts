import type { JsonObject } from '../contracts/json.ts'
import type { Acl, Grant } from './acl.ts'
import type { Capability } from './capability.ts'
import { findGrant, findListGrant } from './find-grant.ts'
import { deniedParameter, hasUnlistedParameter, missingParameter } from './parameters.ts'

export interface Question {
  /** Canonical, as routed: one form for authorizing and for routing. */
  readonly path: string
  readonly capability: Exclude<Capability, 'deny' | 'sudo'>
  /** The path is one of those that need `sudo` in addition. */
  readonly sudo?: boolean
  readonly parameters?: JsonObject
  /** 0 or absent: no wrapping was asked for. */
  readonly wrapSeconds?: number
}

/** Why not. For the audit and the operator; the caller is told `permission denied` and no more. */
export type RefusalReason =
  | 'no rule matches'
  | 'the rule denies'
  | 'the rule lacks the capability'
  | 'the rule lacks sudo'
  | 'the wrap TTL is outside the bounds'
  | 'a required parameter is missing'
  | 'a parameter is denied'
  | 'a parameter is not allowed'

export type Decision =
  | { readonly allowed: true; readonly rule: string; readonly policies: readonly string[] }
  | {
      readonly allowed: false
      readonly reason: RefusalReason
      /** The rule that decided and the policies that denied or, without a deny, wrote it. */
      readonly rule?: string
      readonly policies: readonly string[]
      /** As the policy names it. */
      readonly parameter?: string
    }

const rootDecision: Decision = { allowed: true, rule: '*', policies: ['root'] }
const defaultDeny: Decision = { allowed: false, reason: 'no rule matches', policies: [] }

/** May these policies do this? Pure; default deny; exactly one rule decides. */
export function decide(acl: Acl, question: Question): Decision {
  if (acl.root) return rootDecision
  const grant = grantFor(acl, question)
  if (!grant) return defaultDeny
  const objection = capabilityObjection(grant, question) ?? wrapObjection(grant, question) ?? parameterObjection(grant, question)
  if (objection) return { allowed: false, ...objection, rule: grant.path, policies: refusers(grant) }
  return { allowed: true, rule: grant.path, policies: grant.grantedBy.get(question.capability) ?? [] }
}

interface Objection {
  readonly reason: RefusalReason
  readonly parameter?: string
}

function grantFor(acl: Acl, question: Question): Grant | undefined {
  const path = question.path.startsWith('/') ? question.path.replace(/^\/+/, '') : question.path
  const lists = question.capability === 'list' || question.capability === 'scan'
  return lists ? findListGrant(acl, path) : findGrant(acl, path)
}

function capabilityObjection(grant: Grant, question: Question): Objection | undefined {
  if (grant.capabilities.has('deny')) return { reason: 'the rule denies' }
  if (!grant.capabilities.has(question.capability)) return { reason: 'the rule lacks the capability' }
  if (question.sudo && !grant.capabilities.has('sudo')) return { reason: 'the rule lacks sudo' }
  return undefined
}

/** Either bound alone forces wrapping: without it the TTL is 0. */
function wrapObjection(grant: Grant, question: Question): Objection | undefined {
  if (grant.wrapSecondsMin === 0 && grant.wrapSecondsMax === 0) return undefined
  const asked = question.wrapSeconds ?? 0
  const within = asked > 0 && asked >= grant.wrapSecondsMin && (grant.wrapSecondsMax === 0 || asked <= grant.wrapSecondsMax)
  return within ? undefined : { reason: 'the wrap TTL is outside the bounds' }
}

function parameterObjection(grant: Grant, question: Question): Objection | undefined {
  if (question.capability === 'delete' || question.capability === 'list' || question.capability === 'scan') return undefined
  const parameters = question.parameters ?? {}
  const missing = missingParameter(grant.required, parameters)
  if (missing !== undefined) return { reason: 'a required parameter is missing', parameter: missing }
  const denied = deniedParameter(grant.denied, parameters)
  if (denied !== undefined) return { reason: 'a parameter is denied', parameter: denied }
  return hasUnlistedParameter(grant.allowed, parameters) ? { reason: 'a parameter is not allowed' } : undefined
}

function refusers(grant: Grant): readonly string[] {
  return grant.grantedBy.get('deny') ?? grant.writtenBy
}
