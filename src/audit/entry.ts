/** The two entries of a request: `request` before the effect, `response` after it, in the shape that readers of the Vault API's audit log know. Pure: time, hash and facts
 *  come in. What is empty is left out.
 *
 *  In clear: path, error, policies, metadata, display name, entity, remote address, lease id, and (Mayfly's own) `response.issued`: user name, role, target, guarantees. */
import { clearJson, jsonField, listField, mapField, numberField, object, quote, textField } from './json-text.ts'
import { knownHashes } from './known-hashes.ts'
import { redact } from './redact.ts'
import type { Hash } from './redact.ts'

/** What is true of a request whatever becomes of it. */
export interface Asked {
  readonly id: string
  readonly operation: string
  readonly path: string
  readonly data: unknown
  readonly remoteAddress: string
  readonly remotePort: number
  readonly userAgent?: string | undefined
  /** As presented; kept hashed. */
  readonly clientToken?: string | undefined
  /** Seconds; the reply was to be wrapped. */
  readonly wrapTtl?: number | undefined
  readonly mount?: AskedMount | undefined
  readonly auth?: AskedAuth | undefined
}

export interface AskedMount {
  readonly path: string
  readonly type: string
  readonly accessor: string
  readonly clearRequestKeys?: readonly string[] | undefined
  readonly clearResponseKeys?: readonly string[] | undefined
}

/** Who asked, and what policy said. */
export interface AskedAuth {
  /** Kept hashed. */
  readonly accessor?: string | undefined
  readonly displayName?: string | undefined
  readonly policies: readonly string[]
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
  readonly entityId?: string | undefined
  readonly tokenType?: string | undefined
  readonly tokenTtl?: number | undefined
  /** RFC 3339. */
  readonly tokenIssueTime?: string | undefined
  /** Uses that were left when the request came. */
  readonly uses?: number | undefined
  readonly decision?: AskedDecision | undefined
}

export interface AskedDecision {
  readonly allowed: boolean
  /** The policies that granted, or that denied. */
  readonly policies: readonly string[]
  readonly reason?: string | undefined
  readonly rule?: string | undefined
}

/** What a response adds. */
export interface AnsweredFacts {
  readonly error?: string | undefined
  readonly leaseId?: string | undefined
  readonly data?: unknown
  /** Issued by a login or by token creation. */
  readonly auth?: IssuedAuth | undefined
  /** In the place of data or auth, which nobody has seen yet. */
  readonly wrapInfo?: WrapFacts | undefined
  /** The public part of a credential, in clear: user name, role, target, guarantees, serial. */
  readonly issued?: Readonly<Record<string, unknown>> | undefined
  readonly warnings?: readonly string[] | undefined
}

/** As the wire names them. */
export interface WrapFacts {
  /** All three kept hashed. */
  readonly token: string
  readonly accessor: string
  readonly wrapped_accessor?: string
  readonly ttl: number
  readonly creation_time: string
  readonly creation_path: string
}

export interface IssuedAuth {
  /** Both kept hashed. */
  readonly clientToken: string
  readonly accessor: string
  readonly displayName?: string | undefined
  readonly policies: readonly string[]
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
  readonly entityId?: string | undefined
  readonly tokenType?: string | undefined
  readonly tokenTtl?: number | undefined
  readonly uses?: number | undefined
}

/** The part that both entries of one request share, written once. */
export interface Described {
  readonly text: string
  readonly mount: AskedMount | undefined
  /** Hashes of values that the response may repeat. */
  readonly known: ReadonlyMap<string, string>
}

export function describeRequest(asked: Asked, hash: Hash): Described {
  const { auth, mount } = asked
  const known = knownHashes(hash, auth ? [auth.displayName, auth.tokenType, ...auth.policies] : [], [asked.clientToken, auth?.accessor])
  const token = known.get(asked.clientToken ?? '') ?? ''
  const accessor = known.get(auth?.accessor ?? '') ?? ''
  const authField = auth ? jsonField('auth', authText(auth, token, accessor)) : ''
  return { text: `${authField},"request":${requestText(asked, token, accessor, hash)}`, mount, known }
}

/** `time`: RFC 3339. */
export function requestEntry(time: string, described: Described): string {
  return `{"time":"${time}","type":"request"${described.text}}`
}

export function responseEntry(time: string, described: Described, answered: AnsweredFacts, hash: Hash): string {
  const knowing: Hash = value => described.known.get(value) ?? hash(value)
  const response = object(
    mountFields(described.mount) +
      jsonField('auth', answered.auth ? issuedAuthText(answered.auth, knowing) : '') +
      jsonField('secret', object(textField('lease_id', answered.leaseId))) +
      jsonField('data', answered.data === undefined ? '' : redact(answered.data, knowing, setOf(described.mount?.clearResponseKeys))) +
      jsonField('issued', answered.issued ? clearJson(answered.issued) : '') +
      listField('warnings', answered.warnings) +
      jsonField('wrap_info', answered.wrapInfo ? wrapText(answered.wrapInfo, knowing) : '')
  )
  return `{"time":"${time}","type":"response"${textField('error', answered.error)}${described.text}${jsonField('response', response)}}`
}

// No login has so many fields. Beyond it anybody could fill the disk with names of their own, thousands in each entry.
const strangersLeavesMax = 30

function requestText(asked: Asked, token: string, accessor: string, hash: Hash): string {
  return object(
    textField('id', asked.id) +
      textField('operation', asked.operation) +
      mountFields(asked.mount) +
      textField('client_token', token) +
      textField('client_token_accessor', accessor) +
      ',"namespace":{"id":"root"}' +
      textField('path', asked.path) +
      jsonField('data', redact(asked.data ?? {}, hash, setOf(asked.mount?.clearRequestKeys), asked.auth ? undefined : strangersLeavesMax)) +
      textField('remote_address', asked.remoteAddress) +
      numberField('remote_port', asked.remotePort) +
      numberField('wrap_ttl', asked.wrapTtl) +
      (asked.userAgent ? `,"headers":{"user-agent":[${quote(asked.userAgent)}]}` : '')
  )
}

function authText(auth: AskedAuth, token: string, accessor: string): string {
  return object(
    textField('client_token', token) +
      textField('accessor', accessor) +
      textField('display_name', auth.displayName) +
      listField('policies', auth.policies) +
      listField('token_policies', auth.policies) +
      (auth.decision ? `,"policy_results":${decisionText(auth.decision)}` : '') +
      mapField('metadata', auth.metadata) +
      numberField('num_uses', auth.uses) +
      textField('entity_id', auth.entityId) +
      textField('token_type', auth.tokenType) +
      numberField('token_ttl', auth.tokenTtl) +
      textField('token_issue_time', auth.tokenIssueTime)
  )
}

/** Why not is for the operator who reads the trail; the caller is never told. */
function decisionText(decision: AskedDecision): string {
  const policies = decision.policies.map(name => `{"name":${quote(name)},"namespace_id":"root","type":"acl"}`).join(',')
  if (decision.allowed) return `{"allowed":true${policies ? `,"granting_policies":[${policies}]` : ''}}`
  return `{"allowed":false${textField('reason', decision.reason)}${textField('rule', decision.rule)}${policies ? `,"refusing_policies":[${policies}]` : ''}}`
}

function issuedAuthText(auth: IssuedAuth, hash: Hash): string {
  return object(
    textField('client_token', hash(auth.clientToken)) +
      textField('accessor', hash(auth.accessor)) +
      textField('display_name', auth.displayName) +
      listField('policies', auth.policies) +
      listField('token_policies', auth.policies) +
      mapField('metadata', auth.metadata) +
      numberField('num_uses', auth.uses) +
      textField('entity_id', auth.entityId) +
      textField('token_type', auth.tokenType) +
      numberField('token_ttl', auth.tokenTtl)
  )
}

function wrapText(info: WrapFacts, hash: Hash): string {
  return object(
    numberField('ttl', info.ttl) +
      textField('token', hash(info.token)) +
      textField('accessor', hash(info.accessor)) +
      textField('creation_time', info.creation_time) +
      textField('creation_path', info.creation_path) +
      textField('wrapped_accessor', info.wrapped_accessor && hash(info.wrapped_accessor))
  )
}

function mountFields(mount: AskedMount | undefined): string {
  return mount
    ? textField('mount_point', mount.path) + textField('mount_type', mount.type) + textField('mount_accessor', mount.accessor)
    : ''
}

function setOf(keys: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return keys && keys.length > 0 ? new Set(keys) : undefined
}
