import type { AskingCall } from 'mayfly/plugin'
import { readAccess } from './access.ts'
import type { Access } from './access.ts'
import { chooseRole } from './choose-role.ts'
import type { Choice } from './choose-role.ts'
import type { Destination } from './destination.ts'
import type { HeldCertificate } from './held-certificate.ts'
import { knownHostsLines } from './known-hosts-lines.ts'
import { newCertificate } from './new-certificate.ts'
import type { Hop, Route } from './route.ts'

/** How one host of the way is entered. */
export interface HopLogin {
  readonly to: Destination
  /** Absent: as the user's own configuration says. */
  readonly certificate?: HeldCertificate
  /** Why there is none. */
  readonly without?: string
  /** Lines of known_hosts. */
  readonly trusted: string
}

/** The login of the host that is wanted comes last; before it those of the hosts on the way. */
export interface Logins {
  readonly jumps: readonly (HopLogin & Hop)[]
  readonly last: HopLogin & { readonly certificate: HeldCertificate }
}

// All that a jump host has to give: without it sshd leads no further.
const leadsOn = 'permit-port-forwarding'

/** For each host a certificate of its own, for its account. A host on the way may be somebody else's, which the user has another key for; the one that is wanted must have one. `made`: told of each, at once. */
export async function hopLogins(
  call: AskingCall,
  { to, jumps }: Route,
  made: (certificate: HeldCertificate, hop?: Hop) => void
): Promise<Logins> {
  const ttl = call.option('ttl')
  const access = await readAccess(call, { host: to.host, user: to.user })
  const choice = chooseRole(call, access, to)
  const asked = call.option('principals')?.split(',')
  const certificate = await newCertificate(call, { ...choice, ...(asked ? { principals: asked } : {}) }, { ttl })
  made(certificate)
  const entered: (HopLogin & Hop)[] = []
  for (const hop of jumps) {
    const login = await jumpLogin(call, hop.to, choice)
    if (login.certificate) made(login.certificate, hop)
    entered.push({ ...hop, ...login })
  }
  return { jumps: entered, last: { to, certificate, trusted: trustedAt(access, to) } }
}

async function jumpLogin(call: AskingCall, to: Destination, there: Choice): Promise<HopLogin> {
  const access = await readAccess(call, { host: to.host, user: to.user })
  const trusted = trustedAt(access, to)
  try {
    const certificate = await leadingOn(call, chooseRole(call, access, to, there))
    return { to, certificate, trusted }
  } catch (error) {
    return { to, without: error instanceof Error ? error.message : 'unknown error', trusted }
  }
}

/** With no more than it needs; else with what the role gives unasked. */
async function leadingOn(call: AskingCall, choice: Choice): Promise<HeldCertificate> {
  const ttl = call.option('ttl')
  return await newCertificate(call, choice, { ttl, extensions: [leadsOn] }).catch(async (error: unknown) => {
    if ((error as { readonly status?: number }).status !== 400) throw error
    const usual = await newCertificate(call, choice, { ttl })
    if (!usual.extensions.includes(leadsOn))
      call.screen.warn(`the role ${choice.role} gives no ${leadsOn}: a jump host will not lead on with it`)
    return usual
  })
}

/** Where hosts show certificates of ours: whose signature counts. */
function trustedAt(access: readonly Access[], { host }: Destination): string {
  const keys = access.flatMap(({ hosts, hostKeys }) =>
    hosts.some(({ certified, names }) => certified && names.includes(host)) ? hostKeys : []
  )
  return knownHostsLines([host], keys)
}
