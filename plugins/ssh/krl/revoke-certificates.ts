import { BrokerError } from 'mayfly/plugin'
import type { Json, MountStorage, RevokeCall, RevokeOutcome } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { blindHosts, hostsBehind } from '../hosts/host-rows.ts'
import { someHosts } from '../hosts/some-hosts.ts'
import { holdsSerial } from '../format/serial-ranges.ts'
import { parseKeyLine } from '../format/key-line.ts'
import { fingerprint } from '../format/public-key.ts'
import { readIssuers } from '../issuers/issuer.ts'
import type { Handle } from '../sign/plan-certificate.ts'
import { RevokedRows } from './revoked-rows.ts'
import { schedulePublishing } from './schedule-publishing.ts'

// The list is published by then.
const publishedAfterMs = 1_500
// Hosts ask for it every half minute. One that is down for days is not asked after every few seconds.
const lookAgainMsMin = 5_000
const lookAgainMsMax = 300_000

/** A certificate is not in a target: it ends by its own time, or by a list that the hosts pull. Its serial goes on the list with the outcome, in one commit; the lease is over when its time is, or
 *  when every host that is known has said that it runs a list that names it, and that it ends sessions. */
export async function revokeCertificates(
  engine: Engine,
  { leases, storage }: RevokeCall<Handle>,
  signal: AbortSignal
): Promise<readonly RevokeOutcome[]> {
  const now = engine.context.clock.now()
  const ends = new Ends(engine, storage, now)
  const outcomes: RevokeOutcome[] = []
  for (const { handle } of leases) {
    signal.throwIfAborted()
    if (!isHandle(handle)) outcomes.push(unreadable)
    else if (untilOf(handle).epochMilliseconds <= now.epochMilliseconds) outcomes.push({ kind: 'gone' })
    else outcomes.push(await ends.end(handle))
  }
  ends.write()
  return outcomes
}

/** One call's look at the list and the hosts, and what it writes. */
class Ends {
  readonly #engine: Engine
  readonly #storage: MountStorage
  readonly #now: Temporal.Instant
  readonly #rows = new Map<string, RevokedRows>()
  readonly #hosts = new Map<number, ReturnType<typeof hostsBehind>>()
  #blind: ReturnType<typeof blindHosts> | undefined
  #isNew = false

  constructor(engine: Engine, storage: MountStorage, now: Temporal.Instant) {
    this.#engine = engine
    this.#storage = storage
    this.#now = now
  }

  async end(handle: Handle): Promise<RevokeOutcome> {
    const rows = this.#rowsOf(handle.issuer)
    const until = untilOf(handle)
    const since = await rows.since(handle.serial)
    if (since !== undefined && since > 0) return this.#listed(handle, since, until)
    const version = since === undefined ? undefined : await this.#listedIn(handle)
    if (version !== undefined) {
      await rows.published(handle.serial, version)
      return this.#listed(handle, version, until)
    }
    if (since === undefined) {
      await rows.add({ serial: handle.serial, until: handle.validBefore ?? neverSeconds })
      this.#isNew = true
    }
    const again = this.#now.add({ milliseconds: publishedAfterMs })
    return { kind: 'outlives', until, again, why: 'the list of revoked certificates with it is being published' }
  }

  write(): void {
    for (const rows of this.#rows.values()) rows.write()
    if (this.#isNew) schedulePublishing(this.#engine.context, this.#storage)
  }

  /** Whom a host's certificate convinces are its clients, and no host can say what they have loaded. */
  async #listed({ kind }: Handle, version: number, until: Temporal.Instant): Promise<RevokeOutcome> {
    if (kind !== 'host') return this.#byHosts(version, until)
    return {
      kind: 'outlives',
      until,
      again: until,
      why: 'on the list of revoked certificates; clients refuse it once they load that (RevokedHostKeys)'
    }
  }

  /** The version that is published, when it names this certificate. */
  async #listedIn({ issuer, serial }: Handle): Promise<number | undefined> {
    const published = await this.#engine.krl.parsed()
    const named = (await readIssuers(this.#storage)).all.issuers.find(({ id }) => id === issuer)
    if (!published || !named) return undefined
    const { version, krl } = published
    const ca = fingerprint(parseKeyLine(named.publicKey).key)
    if (krl.keys.some(key => fingerprint(key) === ca)) return version
    const section = krl.certificates.find(one => one.ca && fingerprint(one.ca) === ca)
    return section && holdsSerial(section.serials, BigInt(serial)) ? version : undefined
  }

  async #byHosts(version: number, until: Temporal.Instant): Promise<RevokeOutcome> {
    const hosts = this.#hosts.get(version) ?? hostsBehind(this.#storage, version)
    this.#hosts.set(version, hosts)
    const { none, behind, more } = await hosts
    if (none)
      return {
        kind: 'outlives',
        until,
        again: until,
        why: 'on the list of revoked certificates; no host is enrolled that could say that it has it'
      }
    if (behind.length === 0) return this.#bySessions(version, until)
    const why = `hosts that do not run version ${version} of the list of revoked certificates yet: ${someHosts({ names: behind, more })}`
    return { kind: 'outlives', until, again: this.#later(version), why }
  }

  /** Nobody logs in with it any more. A host may see its sessions again a moment later: its log was being rotated. */
  async #bySessions(version: number, until: Temporal.Instant): Promise<RevokeOutcome> {
    const blind = await (this.#blind ??= blindHosts(this.#storage))
    if (blind.names.length === 0) return { kind: 'gone' }
    const why = `every host refuses it; a session that is open goes on at hosts that see none and end none: ${someHosts(blind)}`
    return { kind: 'outlives', until, again: this.#later(version), why }
  }

  /** The version is the time at which it was made. */
  #later(version: number): Temporal.Instant {
    const ageMs = this.#now.epochMilliseconds - version * 1_000
    return this.#now.add({ milliseconds: Math.round(Math.min(Math.max(ageMs / 4, lookAgainMsMin), lookAgainMsMax)) })
  }

  #rowsOf(issuer: string): RevokedRows {
    const rows = this.#rows.get(issuer) ?? new RevokedRows(this.#storage, issuer)
    this.#rows.set(issuer, rows)
    return rows
  }
}

const neverSeconds = 2 ** 43

/** Of a certificate that was never finished nobody knows the end. */
function untilOf({ validBefore = neverSeconds }: Handle): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(validBefore * 1_000)
}

const unreadable: RevokeOutcome = { kind: 'failed', error: new BrokerError('integrity', 'the handle names no certificate') }

function isHandle(handle: Json): handle is Handle {
  const fields = handle as Partial<Handle> | null
  return typeof fields === 'object' && fields?.v === 1 && typeof fields.issuer === 'string' && Number.isSafeInteger(fields.serial)
}
