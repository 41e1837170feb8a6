/** `roles/:name/check`: what keys of a role take, tried before somebody needs them: whose the broker's key is, what AWS would say to its calls, and then one credential that is
 *  made, used and ended (`probe.ts`). */
import { BrokerError, CheckSteps, field, path } from 'mayfly/plugin'
import type { Answer, Issuance, MountStorage, Path, PathRequest, z } from 'mayfly/plugin'
import type { CredentialKind } from '../role/credential-kind.ts'
import type { Engine } from '../engine.ts'
import { knownRoot } from '../root/known-root.ts'
import type { KnownRoot } from '../root/known-root.ts'
import { numberOf, targetOf } from '../root/root-config.ts'
import { readRole } from '../role/role.ts'
import type { Role } from '../role/role.ts'
import { rightsOfRole } from './needed-rights.ts'
import { whereOf } from './policy-path.ts'
import { checkReport, probeOf, probeSeconds } from './probe.ts'
import type { ProbeOrder, RoleCheck } from './probe.ts'
import { simulate } from './simulate.ts'
import { secondsMin } from '../sts/session-kinds.ts'

const simulateMsMax = 5_000

const checkFields = { mfa_code: field.text() }
type Request = PathRequest<z.output<z.ZodObject<typeof checkFields>>>

export function checkRolePath(engine: Engine, kinds: readonly CredentialKind[]): Path {
  return path({
    pattern: 'roles/:name/check',
    summary: 'tries the role in its account: asks what the broker may do, makes keys, uses them, ends them',
    fields: checkFields,
    write: (request, storage, signal) => checkRole(engine, kinds, request, storage, signal)
  })
}

async function checkRole(
  engine: Engine,
  kinds: readonly CredentialKind[],
  request: Request,
  storage: MountStorage,
  signal: AbortSignal
): Promise<Answer> {
  const name = request.params['name'] ?? ''
  const stored = await readRole(storage, name)
  const kind = kinds.find(({ type }) => type === stored?.role.type)
  if (!stored || !kind) throw new BrokerError('unknown_role', `Role "${name}" not found`)
  const { role, version: roleVersion } = stored
  const steps = new CheckSteps(engine.context.clock)
  const root = await steps.try(
    'root',
    () => knownRoot(engine, storage, signal),
    ({ arn }) => arn
  )
  const concerns = root ? await rightsOf(engine, root, role, steps, signal) : []
  const check: RoleCheck = { role: name, type: role.type, concerns }
  const asked = {
    request: { ...request, fields: { ttl: role.type === 'iam_user' ? probeSeconds : secondsMin, mfa_code: request.fields.mfa_code } },
    name,
    role: alone(role),
    roleVersion,
    storage
  }
  const plan =
    root &&
    (await steps.try(
      'plan',
      () => kind.plan(engine, { ...asked, root }, signal),
      ({ name }) => name
    ))
  if (!plan) return { data: checkReport(check, steps) }
  return { issue: probing(engine, plan, check, steps) }
}

/** Of several ARNs the first. Nothing of a probe is worth a cut, and its ticket is nobody's. */
function alone(role: Role): Role {
  const sessionTags =
    role.sessionTags && Object.fromEntries(Object.entries(role.sessionTags).map(([key, value]) => [key, withoutTicket(value)]))
  const sourceIdentity = role.sourceIdentity && withoutTicket(role.sourceIdentity)
  return {
    ...role,
    roleArns: role.roleArns && role.roleArns.slice(0, 1),
    cutOnRevoke: null,
    waitUntilUsable: false,
    sessionTags,
    sourceIdentity
  }
}

const withoutTicket = (template: string): string => template.replaceAll(/\{\{\s*ticket\s*\}\}/g, 'check')

async function rightsOf(engine: Engine, root: KnownRoot, role: Role, steps: CheckSteps, signal: AbortSignal): Promise<readonly string[]> {
  const { account } = await engine.accounts.ofVersion(root.config.version)
  using deadline = engine.context.clock.within(simulateMsMax, signal)
  let unknown: string | undefined
  const look = async () => {
    const found = await simulate(account, root.arn, rightsOfRole(role, whereOf(engine, root)), deadline.signal)
    if (typeof found === 'string') unknown = found
    else if (found.length > 0) throw new BrokerError('target_refused', `not allowed to the broker: ${found.join(', ')}`)
    return unknown === undefined
  }
  await steps.try('rights', look, known => (known ? 'all that the role takes' : 'could not be asked, see below'))
  return unknown === undefined ? [] : [unknown]
}

function probing(engine: Engine, plan: Issuance, check: RoleCheck, steps: CheckSteps): Issuance {
  const { credential, target, order = null, warnings: _, ...rest } = plan
  const probe: ProbeOrder = { order, check, steps: steps.all }
  return {
    ...rest,
    credential: probeOf(credential),
    // Of its own: a target is listed and observed for the type of credential that came first.
    target: targetOf(engine, probeOf(credential), numberOf(target)),
    order: probe,
    renewable: false
  }
}
