import { BrokerError } from 'mayfly/plugin'
import type { Guarantees, Issuance } from 'mayfly/plugin'
import { parseIamArn } from '../account/arn.ts'
import type { Asked } from '../role/credential-kind.ts'
import type { Engine } from '../engine.ts'
import { targetOf } from '../root/root-config.ts'
import type { Role } from '../role/role.ts'
import { renderSourceIdentity, renderTags, ticketFor } from './attribution.ts'
import type { Attribution } from './attribution.ts'
import { leasePart, nameWarnings, sessionName } from './session-name.ts'
import { secondsMin, sessionKinds } from './session-kinds.ts'
import type { SessionKind } from './session-kinds.ts'
import type { CutOff, SessionHandle, SessionOrder, SessionRecipe } from './session-recipe.ts'

// Of AWS: for the root user of an account, and where the root is itself a session of a role.
const shortSecondsMax = 3_600
const secondsDefault = 3_600

const nameKinds = { assumed_role: 'role', federation_token: 'federation' } as const

/** Touches nothing: what STS will be asked, for how long, and what can be promised of it. */
export function planSession(engine: Engine, kind: SessionKind, asked: Asked): Issuance {
  const { request, role, root } = asked
  const roleArn = kind === 'assumed_role' ? chosenRole(asked) : refuseRole(asked)
  const life = lifeOf(kind, asked)
  const cut: CutOff = role.cutOnRevoke ?? 'none'
  const name = nameOf(kind, asked)
  const warnings = [...life.warnings, ...(kind === 'session_token' ? [] : nameWarnings(nameKinds[kind], request.fields.role_session_name))]
  const { mfaSerial, mfaCode } = mfaOf(asked)
  return {
    credential: kind,
    target: targetOf(engine, kind, root.config.version),
    role: asked.name,
    roleVersion: asked.roleVersion,
    recipe: {
      kind,
      roleArn,
      externalId: role.externalId,
      policyDocument: role.policyDocument,
      policyArns: role.policyArns ?? [],
      groups: role.iamGroups ?? [],
      mfaSerial,
      cut
    } satisfies SessionRecipe,
    handle: { v: 1, name, seconds: life.seconds } satisfies SessionHandle,
    order: { ...attributed(asked), mfaCode, waitUntilUsable: waits(asked) } satisfies SessionOrder,
    name,
    visible: kind === 'session_token' ? {} : { session: name, ...(roleArn && { role_arn: roleArn }) },
    ttl: life.seconds,
    maxTtl: role.maxStsTtl,
    ttlMin: secondsMin,
    renewable: false,
    outlivesToken: role.leaseOutlivesToken === true,
    guarantees: guaranteesOf(kind, cut),
    ...(warnings.length > 0 && { warnings })
  }
}

function chosenRole({ request, name, role, root }: Asked): string {
  const arns = role.roleArns ?? []
  const wanted = request.fields.role_arn
  if (!wanted && arns.length !== 1) throw refusal('did not supply a role_arn parameter and unable to determine one')
  const chosen = wanted || arns[0]!
  if (!arns.includes(chosen)) throw refusal(`role_arn "${chosen}" not in allowed role arns for Vault role "${name}"`)
  const { partition } = parseIamArn(chosen) ?? {}
  if (partition !== root.version.place.partition)
    throw refusal(`role_arn: of the partition ${partition}, and config/root is of ${root.version.place.partition}`)
  // A session of the broker's own role would have the broker's own rights.
  if (root.arn.startsWith(`${sessionsOf(chosen)}/`)) throw refusal('role_arn: it is the role of the broker itself')
  return chosen
}

/** As the ARN of a session of this role begins. */
function sessionsOf(roleArn: string): string {
  const { partition, account, name } = parseIamArn(roleArn)!
  return `arn:${partition}:sts::${account}:assumed-role/${name.slice(name.lastIndexOf('/') + 1)}`
}

function refuseRole({ request, role }: Asked): string {
  if (request.fields.role_arn) throw refusal(`role_arn: a ${role.type} has none`)
  return ''
}

function nameOf(kind: SessionKind, { request, name }: Asked): string {
  if (kind === 'session_token') return `session-token-${leasePart(request.lease)}`
  const wanted = request.fields.role_session_name || `${request.caller.displayName || 'token'}-${name}`
  return sessionName(nameKinds[kind], wanted, request.lease)
}

function lifeOf(kind: SessionKind, { request, role, root }: Asked): { readonly seconds: number; readonly warnings: readonly string[] } {
  const wanted = request.fields.ttl || role.defaultStsTtl || secondsDefault
  if (wanted < secondsMin) throw refusal(`ttl: ${wanted} s, and STS gives no session of less than ${secondsMin} s`)
  const least = Math.min(...[request.ttls.maxTtl, role.maxStsTtl].filter(max => max > 0))
  if (least < secondsMin) throw refusal(`ttl: at most ${least} s here, and STS gives no session of less than ${secondsMin} s`)
  const most = isShort(kind, root.arn) ? shortSecondsMax : sessionKinds[kind].secondsMax
  if (wanted <= most) return { seconds: wanted, warnings: [] }
  return { seconds: most, warnings: [`a ttl of ${wanted} s is more than STS gives: the session ends after ${most} s`] }
}

function isShort(kind: SessionKind, rootArn: string): boolean {
  return kind === 'assumed_role' ? rootArn.includes(':assumed-role/') : rootArn.endsWith(':root')
}

function mfaOf({ request, role }: Asked): Pick<SessionRecipe, 'mfaSerial'> & Pick<SessionOrder, 'mfaCode'> {
  const mfaCode = request.fields.mfa_code ?? ''
  if (mfaCode === '' && role.mfaSerialNumber !== '') throw refusal('mfa_code: the role wants the six digits of its device')
  if (mfaCode !== '' && role.mfaSerialNumber === '') throw refusal('mfa_code: the role has no mfa_serial_number')
  if (mfaCode !== '' && !/^\d{6}$/.test(mfaCode)) throw refusal('mfa_code: expected six digits')
  return { mfaSerial: role.mfaSerialNumber, mfaCode }
}

function attributed({ request, name, role }: Asked): Pick<SessionOrder, 'tags' | 'sourceIdentity'> {
  const { sessionTags, sourceIdentity } = role
  const { caller, lease, fields } = request
  const templates = [...Object.values(sessionTags ?? {}), sourceIdentity ?? '']
  const of: Attribution = {
    display_name: caller.displayName,
    entity: caller.entity,
    accessor: caller.accessor,
    role: name,
    lease: leasePart(lease),
    ticket: ticketFor(name, fields.ticket, ...templates)
  }
  return { tags: renderTags(sessionTags ?? {}, of), sourceIdentity: identityOf(name, role, of) }
}

function identityOf(name: string, { sourceIdentity }: Role, of: Attribution): string {
  if (!sourceIdentity) return ''
  const made = renderSourceIdentity(sourceIdentity, of)
  if (made === undefined)
    throw refusal(`role "${name}" wants a source identity, and nothing is known of this caller to make it from: ${sourceIdentity}`)
  return made
}

function waits({ request, role }: Asked): boolean {
  const { wait } = request.fields
  if (wait !== undefined && wait !== '' && wait !== 'usable') throw refusal('wait: expected "usable"')
  return wait === 'usable' || role.waitUntilUsable === true
}

function guaranteesOf(kind: SessionKind, cut: CutOff): Guarantees {
  return {
    revocable: cut === 'none' ? 'never' : 'eventually',
    endsSessions: cut !== 'none',
    diesByItself: true,
    listable: false,
    observable: 'no',
    notes: [...cutNotes(cut), ...(kind === 'session_token' ? ['it has all rights of the user whose keys the root holds'] : [])]
  }
}

function cutNotes(cut: CutOff): readonly string[] {
  if (cut === 'none') return ['AWS takes no session back: revoking ends the lease, and the keys work until their own expiry']
  const whom = cut === 'session_name' ? 'this one' : 'this one and every session of its role that was issued until then'
  return [
    `AWS takes no session back: revoking has everything denied to ${whom}, by a policy of the role that may take minutes to count everywhere`
  ]
}

const refusal = (message: string) => new BrokerError('invalid_request', message)
