import { userInfo } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { AskingCall } from 'mayfly/plugin'
import { readAccess } from './access.ts'
import type { Access, UsableRole } from './access.ts'
import type { AgentKeys } from './agent/agent-session.ts'
import type { Choice } from './choose-role.ts'
import type { HeldCertificate } from './held-certificate.ts'
import { freshUntil } from './held-certificate.ts'
import { heldLease } from './held-lease.ts'
import type { HeldRecords } from './held-records.ts'
import { isIssuerRevoked } from './issuer-revoked.ts'
import { isPlainHost } from './is-plain-host.ts'
import { newCertificate } from './new-certificate.ts'

// sshd counts each as a try.
const rolesMax = 4
// ssh asks twice within one start of it: once by the script that sees to us.
const askedEveryMs = 1_000
// Somebody waits for ssh. A broker that does not answer takes nothing away.
const askedMsMax = 2_000
// And no longer for another one: an editor that looks at its configuration waits as well.
const listMsMax = 10_000

/** What the agent behind plain `ssh` offers: of each role one certificate, made when a client asks and kept until a third of its life is left. A client tells for which account only when it logs in, so it is good for all
 *  that the role gives this user. */
export class ResidentKeys implements AgentKeys {
  readonly #call: AskingCall
  readonly #records: HeldRecords
  readonly #waitMsMax: number
  readonly #held = new Map<string, HeldCertificate>()
  readonly #ways = new Map<string, Set<string>>()
  #making: Promise<readonly HeldCertificate[]> | undefined
  #askedAt = -Infinity
  /** The broker does not say what became of them. */
  #blind = false
  /** There is nothing to offer: the token is over, or the broker away. */
  onNothing: () => void = () => undefined
  /** What the broker has just said of itself. */
  onAccess: (access: readonly Access[]) => void = () => undefined

  constructor(call: AskingCall, records: HeldRecords, waitMsMax = listMsMax) {
    this.#call = call
    this.#records = records
    this.#waitMsMax = waitMsMax
  }

  /** One at a time: clients that come together get the same. What comes too late is there for the next. */
  async list(): Promise<readonly HeldCertificate[]> {
    const making = (this.#making ??= this.#list().finally(() => (this.#making = undefined)))
    const made = await Promise.race([making, wait(this.#waitMsMax, undefined, { ref: false })])
    return made ?? [...this.#held.values()].filter(({ until }) => until > Date.now())
  }

  /** As `list`, and rejects when there is none, with what went wrong. */
  async make(): Promise<readonly HeldCertificate[]> {
    const access = await readAccess(this.#call)
    this.onAccess(access)
    const roles = residentRoles(this.#call, access)
    if (roles.length > rolesMax)
      this.#call.screen.note(
        `${roles.length} roles sign for you, and sshd gives few tries: the first ${rolesMax} are offered; --role names one`
      )
    const made = await Promise.allSettled(roles.slice(0, rolesMax).map(role => this.#fresh(role)))
    const good = made.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = made.find(one => one.status === 'rejected')
    if (good.length === 0 && failed) throw failed.reason
    return good
  }

  signed(
    { user }: { readonly user: string },
    certificate: HeldCertificate,
    host: { readonly certificate: { readonly principals: readonly string[] } | undefined } | undefined
  ): void {
    // The host has written it, and who has signed it nobody has asked.
    const name = host?.certificate?.principals[0]
    if (name === undefined || !isPlainHost(name)) return
    const ways = this.#ways.get(certificate.lease) ?? new Set()
    this.#ways.set(certificate.lease, ways.add(`${user}@${name}`))
    this.#remember(certificate)
  }

  forget(): Promise<void> {
    this.#held.clear()
    return Promise.resolve()
  }

  async #list(): Promise<readonly HeldCertificate[]> {
    const anyEnded = await this.#dropEnded()
    const now = Date.now()
    const held = [...this.#held.values()]
    if (!anyEnded && held.length > 0 && held.every(one => freshUntil(one) > now)) return held
    const made = await this.make().catch((error: unknown) => {
      this.#call.screen.note(`no certificate: ${error instanceof Error ? error.message : 'unknown error'}`)
      // While the broker is away, what is still good goes on.
      return held.filter(({ until }) => until > now)
    })
    if (made.length === 0) this.onNothing()
    return made
  }

  /** What was revoked is never offered: of it a host says "Permission denied", and nothing more. Whether there was such a one. */
  async #dropEnded(): Promise<boolean> {
    const now = performance.now()
    if (this.#blind || this.#held.size === 0 || now - this.#askedAt < askedEveryMs) return false
    this.#askedAt = now
    const ended = await Promise.all([...this.#held].map(async ([name, one]) => ((await this.#hasEnded(one)) ? [name] : [])))
    for (const name of ended.flat()) this.#held.delete(name)
    return ended.some(names => names.length > 0)
  }

  async #hasEnded(held: HeldCertificate): Promise<boolean> {
    const { lease, serial, role } = held
    const late = wait(askedMsMax, undefined, { ref: false })
    const asked = Promise.all([heldLease(this.#call, lease), isIssuerRevoked(this.#call, held)])
    const [told, isRevoked = false] = (await Promise.race([asked, late]).catch(() => undefined)) ?? []
    const said = isRevoked ? 'over' : told
    // By another one it shows whether that is for a want of this right, or of every one.
    if (said === 'denied') this.#blind = true
    if (said === 'over') {
      this.#call.screen.note(`serial ${serial} of role ${role} was revoked`)
      this.#records.remove(lease)
    }
    return said === 'over' || said === 'denied'
  }

  async #fresh(role: Choice): Promise<HeldCertificate> {
    const name = `${role.mount}/${role.role}`
    const known = this.#held.get(name)
    if (known && freshUntil(known) > Date.now()) return known
    const made = await newCertificate(this.#call, role, { ttl: this.#call.option('ttl') })
    this.#held.set(name, made)
    this.#remember(made)
    return made
  }

  #remember(certificate: HeldCertificate): void {
    const ways = [...(this.#ways.get(certificate.lease) ?? [])].map(way => [way])
    this.#records.put(certificate, this.#call.broker.address, ways)
  }
}

/** The role that was named, else all that sign for the user; each with whatever it gives. */
export function residentRoles(call: AskingCall, access: readonly Access[]): readonly Choice[] {
  const named = call.option('role') ?? call.env['MAYFLY_SSH_ROLE']
  const usable = access.flatMap(({ roles }) => roles)
  const principals = call.option('principals')?.split(',')
  const wanted = named ? wantedByName(named, usable, access) : usable
  return wanted.map(role => ({ mount: role.mount, role: role.role, principals: principals ?? all(role) }))
}

/** A mount that says nothing to this user may have it all the same, by a policy with a pattern: the broker says why it refuses. */
function wantedByName(name: string, usable: readonly UsableRole[], access: readonly Access[]): readonly UsableRole[] {
  const known = usable.filter(({ role }) => role === name)
  const silent = access.filter(({ told }) => !told)
  return known.length === 0 && silent.length === 1 ? [{ mount: silent[0]!.mount, role: name }] : known
}

/** Nothing: what the role gives unasked. */
function all({ principals, default: usual }: UsableRole): readonly string[] {
  if (!principals) return []
  if (!principals.includes('*')) return principals
  return usual && usual.length > 0 ? usual : [userInfo().username]
}
