import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'mayfly/plugin'
import type { HeldCertificate } from './held-certificate.ts'
import { replaceFile } from './replace-file.ts'
import type { SshFolder } from './ssh-folder.ts'

const recordShape = z.object({
  lease: z.string(),
  mount: z.string(),
  role: z.string(),
  principals: z.array(z.string()),
  serial: z.string(),
  until: z.number(),
  address: z.string(),
  /** The user's words for ssh, without the command for there: how a shared connection is found again. */
  ways: z.array(z.array(z.string()))
})

/** What this user was given on this machine and when it ends. No secret: by it `ls` shows and `logout` revokes. */
export type HeldRecord = z.output<typeof recordShape>

const ext = '.json'
// Of one user, within the life of a certificate.
const recordsMax = 1_000

export class HeldRecords {
  readonly #folder: SshFolder

  constructor(folder: SshFolder) {
    this.#folder = folder
  }

  put({ lease, mount, role, principals, serial, until }: HeldCertificate, address: string, ways: readonly (readonly string[])[]): void {
    const record = { lease, mount, role, principals, serial, until, address, ways }
    replaceFile(this.#file(lease), `${JSON.stringify(record)}\n`, 0o600)
  }

  /** Those that are not over, the newest last; what is over is forgotten. */
  all(now: number): readonly HeldRecord[] {
    const folder = this.#folder.made('held')
    const found = readdirSync(folder)
      .filter(name => name.endsWith(ext))
      .slice(0, recordsMax)
      .flatMap(name => {
        const record = readRecord(join(folder, name))
        if (record && record.until > now) return [record]
        rmSync(join(folder, name), { force: true })
        return []
      })
    return found.toSorted((one, other) => one.until - other.until)
  }

  remove(lease: string): void {
    rmSync(this.#file(lease), { force: true })
  }

  #file(lease: string): string {
    return join(this.#folder.made('held'), `${createHash('sha256').update(lease).digest('hex').slice(0, 32)}${ext}`)
  }
}

function readRecord(file: string): HeldRecord | undefined {
  try {
    return recordShape.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data
  } catch {
    return undefined
  }
}
