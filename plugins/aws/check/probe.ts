/** The keys that a check makes. They are a credential like any other, so that a crash leaves nothing: a lease stands before they are made, and ends them whatever becomes of the
 *  check. The check ends them itself, to see that this works; the sweeper looks again. The keys never leave this file. */
import { BrokerError, CheckSteps, Secret } from 'mayfly/plugin'
import type { BackendContext, CheckStep, CredentialType, IssueCall, Issued, Json, JsonObject, MountStorage } from 'mayfly/plugin'
import type { Keys } from '../account/account.ts'
import type { CredentialKind } from '../role/credential-kind.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root/root-config.ts'
import { untilUsable } from '../usable/until-usable.ts'

/** Of a user. Whatever goes wrong, AWS refuses it after this. */
export const probeSeconds = 60

export type RoleCheck = { readonly role: string; readonly type: string; readonly concerns: readonly string[] }
export type ProbeOrder = { readonly order: Json; readonly check: RoleCheck; readonly steps: readonly CheckStep[] }

// Ending still has its turn in the time that an issue has.
const endMsMax = 4_000
const usableMsMin = 1_000
const lives = Temporal.Duration.from({ seconds: 1 })

/** Key of `Backend.credentials`, which every lease row keeps: never rename one. */
export const probeOf = (type: string): string => `probe_${type}`

export function probeCredential(engine: Engine, kind: CredentialKind): CredentialType {
  const real = kind.credential(engine)
  return {
    issue: (call, signal) => probe(engine, real, call, signal),
    revoke: (call, signal) => real.revoke(call, signal),
    ...(real.now && { now: (target, signal) => real.now!(target, signal) })
  }
}

async function probe(engine: Engine, real: CredentialType, call: IssueCall, signal: AbortSignal): Promise<Issued> {
  const { order, check, steps: before } = call.order as unknown as ProbeOrder
  const { clock } = engine.context
  const steps = new CheckSteps(clock, before)
  let unknown: unknown
  const create = async () => {
    try {
      return await real.issue!({ ...call, order }, signal)
    } catch (error) {
      // What may have been made is for the lease to find: then there is no report.
      if (!(error instanceof BrokerError) || error.code === 'target_silent') unknown = error
      throw error
    }
  }
  const issued = await steps.try('create', create, ({ warnings = [] }) => warnings.join('; ') || 'made')
  if (unknown !== undefined) throw unknown
  if (issued) await useAndEnd(engine, real, { call, issued }, steps, signal)
  const handle = issued?.handle ?? call.handle
  return {
    secret: new Secret(checkReport(check, steps)),
    handle,
    until: issued?.until ?? clock.now().add(lives),
    ...(issued?.visible && { visible: issued.visible })
  }
}

interface Made {
  readonly call: IssueCall
  readonly issued: Issued
}

async function useAndEnd(
  engine: Engine,
  real: CredentialType,
  { call, issued }: Made,
  steps: CheckSteps,
  signal: AbortSignal
): Promise<void> {
  const { clock } = engine.context
  const keys = new Secret(keysOf(issued.secret.reveal()))
  const { version } = await engine.accounts.ofVersion(numberOf(call.target))
  using account = engine.accounts.open(version, keys)
  const whose = (signal: AbortSignal) => account.identity(signal).then(({ arn }) => arn)
  const msMax = Math.max(usableMsMin, call.createBy.epochMilliseconds - clock.now().epochMilliseconds - endMsMax)
  const use = async () =>
    (await untilUsable(async signal => (await whose(signal)) !== '', { clock, msMax, signal })) ? await whose(signal) : undefined
  await steps.try('use', use, arn =>
    arn === undefined ? 'AWS does not take the keys yet, as it may be for some seconds' : `they are ${arn}`
  )
  const end = () =>
    real.revoke(
      {
        target: call.target,
        recipe: call.recipe,
        leases: [{ lease: call.lease, handle: issued.handle }],
        storage: readOnly(engine.context)
      },
      signal
    )
  await steps.try('end', end, ([outcome]) => told(outcome))
}

function keysOf(secret: JsonObject): Keys {
  const text = (name: string) => (typeof secret[name] === 'string' ? secret[name] : '')
  const sessionToken = text('security_token')
  return { accessKeyId: text('access_key'), secretAccessKey: text('secret_key'), ...(sessionToken !== '' && { sessionToken }) }
}

type Outcome = Awaited<ReturnType<CredentialType['revoke']>>[number] | undefined

function told(outcome: Outcome): string {
  switch (outcome?.kind) {
    case 'gone':
      return 'gone'
    case 'ended':
      return `of no use any more; ${outcome.waiting}`
    case 'outlives':
      return `nobody has them, and they end at ${outcome.until.toString({ smallestUnit: 'second' })}: ${outcome.why}`
    case 'failed':
    case undefined:
      throw outcome?.error instanceof BrokerError
        ? outcome.error
        : new BrokerError('target_refused', 'they could not be ended now: their lease goes on trying')
    default:
      return outcome satisfies never
  }
}

function refuse(): never {
  throw new Error('a probe writes no rows')
}

/** What ends a credential inside of an issue has no commit of its own. */
function readOnly({ storage }: BackendContext): MountStorage {
  return {
    get: key => storage.get(key),
    list: (prefix, page) => storage.list(prefix, page),
    put: refuse,
    remove: refuse,
    take: refuse,
    schedule: refuse,
    unschedule: refuse,
    retire: refuse,
    // Its use is that of the check.
    used: () => undefined,
    reserve: async () => refuse()
  }
}

/** What `roles/:name/check` answers. `ok`: every step of a credential's life worked, `concerns` or not. */
export function checkReport({ role, type, concerns }: RoleCheck, steps: CheckSteps): JsonObject {
  return { role, credential_type: type, ok: steps.ok, steps: steps.all.map(({ step, ok, ms, told }) => ({ step, ok, ms, told })), concerns }
}
