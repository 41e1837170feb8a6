import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

export interface Entry {
  readonly type: string
  readonly operation?: string
  readonly error?: string
  readonly request?: Readonly<Record<string, any>>
  readonly response?: Readonly<Record<string, any>>
  readonly [field: string]: any
}

const patienceMs = 30_000

/** The trail as it stands in its file, read on from where the last look ended. */
export class AuditFile {
  readonly #path: string
  #read = 0
  #rest = ''
  readonly entries: Entry[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** The entries that `pick` takes, as soon as there are `count` of them. What is not there in time is not there. */
  async find(pick: (entry: Entry) => boolean, count = 1): Promise<readonly Entry[]> {
    const until = performance.now() + patienceMs
    for (;;) {
      this.#look()
      const found = this.entries.filter(pick)
      if (found.length >= count || performance.now() > until) return found
      await wait(20)
    }
  }

  /** Both entries of the one request with this user agent. */
  of(userAgent: string): Promise<readonly Entry[]> {
    return this.find(entry => entry.request?.['headers']?.['user-agent']?.[0] === userAgent, 2)
  }

  /** As `of`, of what was read so far. */
  soFar(userAgent: string): readonly Entry[] {
    return this.entries.filter(entry => entry.request?.['headers']?.['user-agent']?.[0] === userAgent)
  }

  #look(): void {
    const file = openSync(this.#path, 'r')
    try {
      const fresh = Buffer.alloc(fstatSync(file).size - this.#read)
      this.#read += readSync(file, fresh, 0, fresh.length, this.#read)
      const lines = (this.#rest + fresh.toString('latin1')).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.entries.push(JSON.parse(Buffer.from(line, 'latin1').toString()) as Entry)
    } finally {
      closeSync(file)
    }
  }
}
