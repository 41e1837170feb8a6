import { existsSync, readFileSync, rmSync } from 'node:fs'
import { z } from 'mayfly/plugin'
import type { Access } from './access.ts'
import { replaceFile } from './replace-file.ts'
import type { SshFolder } from './ssh-folder.ts'
import { trustedLines } from './trusted-lines.ts'

const keptShape = z.object({
  address: z.string(),
  mounts: z.array(z.string()),
  typed: z.array(z.string()).optional(),
  hosts: z.array(z.string())
})

type Kept = z.output<typeof keptShape>

/** For which hosts it was set up: as patterns that were typed, else as names that the broker knew. */
type KeptHosts = Pick<Kept, 'typed' | 'hosts'>

/** The lines of known_hosts by which hosts are trusted that show a certificate. The keys follow the broker, through each rotation; the hosts and the mounts do not: a broker must not have itself trusted for a host that its user has
 *  never seen named, nor another broker or mount, which a command names once, for the hosts of this one. */
export class KeptTrust {
  readonly #folder: SshFolder

  constructor(folder: SshFolder) {
    this.#folder = folder
  }

  /** What is trusted now. */
  begin(hosts: KeptHosts, access: readonly Access[], address: string): string {
    const kept: Kept = { address, mounts: access.map(({ mount }) => mount), ...hosts }
    replaceFile(this.#file, `${JSON.stringify(kept)}\n`, 0o600)
    const lines = linesFor(kept, access)
    replaceFile(this.#folder.file('known_hosts'), lines, 0o600)
    return lines
  }

  /** Where nothing was set up, or a mount does not speak to this user, everything stays. */
  follow(access: readonly Access[], address: string): void {
    const kept = this.#read()
    if (kept?.address !== address) return
    const told = access.filter(one => one.told && kept.mounts.includes(one.mount))
    if (told.length < kept.mounts.length) return
    const known = this.#folder.file('known_hosts')
    const lines = linesFor(kept, told)
    if (!existsSync(known) || readFileSync(known, 'utf8') !== lines) replaceFile(known, lines, 0o600)
  }

  end(): void {
    for (const file of [this.#file, this.#folder.file('known_hosts')]) rmSync(file, { force: true })
  }

  get #file(): string {
    return this.#folder.file('hosts.json')
  }

  #read(): Kept | undefined {
    try {
      return keptShape.safeParse(JSON.parse(readFileSync(this.#file, 'utf8'))).data
    } catch {
      return undefined
    }
  }
}

function linesFor({ typed, hosts }: KeptHosts, access: readonly Access[]): string {
  if (typed) return trustedLines(access, typed)
  const kept = new Set(hosts)
  const ours = access.map(one => ({
    ...one,
    hosts: one.hosts.flatMap(({ host, names, certified }) => {
      const [first, ...others] = [host, ...names].filter(name => kept.has(name))
      return first === undefined ? [] : [{ host: first, names: others, certified }]
    })
  }))
  return trustedLines(ours, undefined)
}
