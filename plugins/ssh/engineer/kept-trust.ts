import { existsSync, readFileSync, rmSync } from 'node:fs'
import { z } from 'mayfly/plugin'
import type { Access } from './access.ts'
import { replaceFile } from './replace-file.ts'
import type { SshFolder } from './ssh-folder.ts'
import { trustedLines } from './trusted-lines.ts'

const keptShape = z.object({ typed: z.array(z.string()).optional(), hosts: z.array(z.string()) })

/** For which hosts it was set up: as patterns that were typed, else as names that the broker knew. */
export type KeptHosts = z.output<typeof keptShape>

/** The lines of known_hosts by which hosts are trusted that show a certificate. The keys follow the broker, through each rotation; the hosts do not: a broker must not have itself trusted for one that its user has never seen named. */
export class KeptTrust {
  readonly #folder: SshFolder

  constructor(folder: SshFolder) {
    this.#folder = folder
  }

  /** What is trusted now. */
  begin(kept: KeptHosts, access: readonly Access[]): string {
    replaceFile(this.#file, `${JSON.stringify(kept)}\n`, 0o600)
    const lines = linesFor(kept, access)
    replaceFile(this.#folder.file('known_hosts'), lines, 0o600)
    return lines
  }

  /** Where nothing was set up, or a mount does not speak to this user, everything stays. */
  follow(access: readonly Access[]): void {
    const kept = this.#read()
    if (!kept || !access.every(({ told }) => told)) return
    const known = this.#folder.file('known_hosts')
    const lines = linesFor(kept, access)
    if (!existsSync(known) || readFileSync(known, 'utf8') !== lines) replaceFile(known, lines, 0o600)
  }

  end(): void {
    for (const file of [this.#file, this.#folder.file('known_hosts')]) rmSync(file, { force: true })
  }

  get #file(): string {
    return this.#folder.file('hosts.json')
  }

  #read(): KeptHosts | undefined {
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
