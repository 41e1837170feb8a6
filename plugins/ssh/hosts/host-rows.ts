/** The hosts of a mount, as rows: what an operator said of each, and which KRL it says that it runs. */
import { BrokerError } from 'mayfly/plugin'
import type { Json, MountReader, MountStorage } from 'mayfly/plugin'

export interface Host {
  /** Principals of its certificate: full name, short name, addresses. */
  readonly names: readonly string[]
  /** Of its certificate, in seconds. */
  readonly ttl: number
  /** Accounts there and the principals that each takes; an account that is not named takes its own name. */
  readonly accounts: Readonly<Record<string, readonly string[]>>
  readonly enrolled: Enrolled | null
  readonly reached: Reached | null
}

/** What a host proved, and what its helper told last. */
interface Enrolled {
  /** One line, as in an authorized_keys file. */
  readonly key: string
  readonly at: string
  /** Every message of a host has a higher number than the one before, so that none counts twice. */
  readonly sequence: number
  /** The same for what it tells of logins, which it sends again until it is taken. */
  readonly loginsSequence: number
  readonly krlVersion: number
  /** When that KRL was made, in seconds of the epoch. */
  readonly krlDate: number
  readonly seenAt: string
  /** Of its last renewal; absent before the first. */
  readonly renewedAt?: string
  /** Its helper ends the sessions of what is revoked. */
  readonly endsSessions: boolean
  /** By how many seconds its clock is ahead of the broker's; absent: it is right, or has not said. */
  readonly clockOff?: number
}

/** A host without a helper: the broker itself logs in. The private key is in a row of its own. */
interface Reached {
  readonly address: string
  readonly port: number
  readonly user: string
  /** The pinned host key, one line. */
  readonly hostKey: string
  /** A folder in the place of its root. */
  readonly prefix: string
  readonly krlVersion: number
  readonly error: string | null
  /** It sees no sessions there, so it ends none. */
  readonly blind?: boolean
}

// Each is looked at by whoever revokes; 5,000 that poll every 15 s are 330 requests a second.
const hostsMax = 10_000
/** How many a lease names of those that it waits for. */
const behindMax = 20

export async function readHost(storage: MountReader, name: string): Promise<{ readonly host: Host; readonly version: number } | undefined> {
  const stored = await storage.get(hostKey(name))
  return stored && { host: stored.value as unknown as Host, version: stored.version }
}

/** `version`: of the row that was read; 0 = none yet. */
export function writeHost(storage: MountStorage, name: string, host: Host, version: number, before: Host | undefined): void {
  storage.put(hostKey(name), host as unknown as Json, version)
  const [was, is] = [before ? foundBy(name, before) : [], foundBy(name, host)]
  for (const key of was) if (!is.includes(key)) storage.remove(key)
  for (const key of is) if (!was.includes(key)) storage.put(key, null)
}

export function removeHost(storage: MountStorage, name: string, host: Host, version: number): void {
  storage.remove(hostKey(name), version)
  for (const key of foundBy(name, host)) storage.remove(key)
}

export async function hostNames(
  storage: MountReader,
  { after = '', limit = hostsMax }: { readonly after?: string; readonly limit?: number } = {}
): Promise<readonly string[]> {
  const names: string[] = []
  // The store gives a page at a time, however many are wanted.
  for (let page = [after]; page.length > 0 && names.length < limit; names.push(...page))
    page = [...(await storage.list('hosts/', { after: page.at(-1)!, limit: limit - names.length }))]
  return names
}

export async function refuseTooManyHosts(storage: MountReader): Promise<void> {
  if ((await hostNames(storage)).length >= hostsMax)
    throw new BrokerError('invalid_request', `too many hosts: at most ${hostsMax} of one mount`)
}

/** Whom a revocation waits for: the hosts that have not said yet that they run this version of the KRL, the furthest behind first. `none`: no host is known here, so nobody
 *  can say when a certificate is dead. */
export async function hostsBehind(
  storage: MountReader,
  version: number
): Promise<{ readonly none: boolean; readonly behind: readonly string[]; readonly more: boolean }> {
  // Ordered by what they run: those behind come first, and nobody reads the others.
  const first = await storage.list('krl-of-hosts/', { limit: behindMax + 1 })
  const behind = first.filter(key => Number(key.slice(0, versionDigits)) < version).map(key => key.slice(versionDigits + 1))
  return { none: first.length === 0, behind: behind.slice(0, behindMax), more: behind.length > behindMax }
}

/** Where a session that is open goes on after its certificate was revoked. */
export async function blindHosts(storage: MountReader): Promise<{ readonly names: readonly string[]; readonly more: boolean }> {
  const names = await storage.list(blindFolder, { limit: behindMax + 1 })
  return { names: names.slice(0, behindMax), more: names.length > behindMax }
}

/** Rows besides its own by which a host is found. */
function foundBy(name: string, host: Host): readonly string[] {
  const version = runs(host)
  if (version === undefined) return []
  return [runsKey(version, name), ...(endsSessions(host) ? [] : [`${blindFolder}${name}`])]
}

/** By its helper, or by the broker. */
function endsSessions({ enrolled, reached }: Host): boolean {
  return enrolled?.endsSessions === true || (reached !== null && reached.blind !== true)
}

/** A host with a helper that is reached as well has one KRL, and the later word on it counts. `undefined`: it was only named. */
function runs({ enrolled, reached }: Host): number | undefined {
  const both = [enrolled?.krlVersion, reached?.krlVersion].filter(version => version !== undefined)
  return both.length === 0 ? undefined : Math.max(...both)
}

const blindFolder = 'blind-hosts/'
const versionDigits = 16
const runsKey = (version: number, name: string): string => `krl-of-hosts/${String(version).padStart(versionDigits, '0')}/${name}`

function hostKey(name: string): string {
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) || name.includes('..'))
    throw new BrokerError('invalid_request', 'host: letters a to z, digits, "-" and ".", as in a host name')
  return `hosts/${name}`
}
