import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { backupPoints } from '../../../src/broker/crash-point.ts'
import { restore } from '../../../src/restore.ts'
import { atFirstPass } from '../moment.ts'
import type { Moment } from '../moment.ts'
import { Stand } from '../stand.ts'
import type { CrashSuite, Deaths } from '../suite.ts'

const main = join(import.meta.dirname, '../../../src/main.ts')
const pluginName = join(import.meta.dirname, '../../../src/plugin-name.ts')
export const leasesCount = 20

/** A store of twenty leases that is backed up. */
export class BackedUp implements Deaths {
  readonly stand: Stand
  readonly file: string
  answered = 0
  #turn = 0
  #broken: string[] = []

  private constructor(stand: Stand) {
    this.stand = stand
    this.file = stand.at('a.backup')
  }

  static async open(): Promise<BackedUp> {
    const stand = await Stand.prepared(async ({ api, folder }) => {
      await api.must('PUT', 'sys/mounts/memory', { type: 'memory' })
      await api.must('PUT', 'memory/config', { path: join(folder, 'users.db') })
      await api.must('PUT', 'memory/roles/app', { default_ttl: '700h', max_ttl: '700h' })
      for (let n = 0; n < leasesCount; n++) await api.must('GET', 'memory/creds/app')
    })
    return new BackedUp(stand)
  }

  /** `mayfly operator ...`, in a process of its own. */
  operator(...words: readonly string[]): ChildProcess {
    const { folder, api } = this.stand
    const env = { PATH: process.env['PATH'], HOME: folder, MAYFLY_ADDR: api.address, MAYFLY_TOKEN: api.token, ...compileCache() }
    return spawn(process.execPath, ['--import', pluginName, main, 'operator', ...words], { env, stdio: 'ignore' })
  }

  backingUp(): ChildProcess {
    return this.operator('backup', this.file)
  }

  restoring(check = false) {
    return restore({ file: this.file, config: this.stand.config, check }, () => Promise.reject(new Error('no shares')))
  }

  /** How many leases the broker holds. */
  async held(): Promise<number> {
    return (await this.stand.api.must('GET', 'sys/holdings')).data.holdings.length
  }

  /** The broker dies, or at random every other time the client. */
  async die(moment: Moment): Promise<boolean> {
    const reached = 'afterMs' in moment && this.#turn++ % 2 === 0 ? await this.#clientDies(moment.afterMs) : await this.#brokerDies(moment)
    await this.#wholeOrNothing()
    return reached
  }

  #brokerDies(moment: Moment): Promise<boolean> {
    return this.stand.death(moment, {
      drive: async gone => {
        while (!gone.aborted) {
          const [code] = (await once(this.backingUp(), 'exit')) as [number]
          if (this.#draft()) this.#broken.push('a client that failed has left its draft')
          if (code !== 0) await wait(20)
          else if (!gone.aborted) await this.#wholeOrNothing()
        }
      }
    })
  }

  async #clientDies(afterMs: number): Promise<boolean> {
    await using broker = await this.stand.started()
    const client = this.backingUp()
    const ended = once(client, 'exit')
    // It starts first, which takes most of its time.
    while (client.exitCode === null && !this.#draft()) await wait(1)
    await wait(afterMs % drafts)
    client.kill('SIGKILL')
    await ended
    rmSync(`${this.file}.part`, { force: true })
    await broker.stop()
    return true
  }

  #draft(): boolean {
    return existsSync(`${this.file}.part`)
  }

  /** What has the name is whole. */
  async #wholeOrNothing(): Promise<void> {
    if (!existsSync(this.file)) return
    await this.restoring(true).then(
      () => this.answered++,
      error => this.#broken.push(`a backup under its final name is not whole: ${String(error)}`)
    )
    rmSync(this.file)
  }

  /** Copies that lie about in the folder of the store. */
  copies(): readonly string[] {
    return readdirSync(this.stand.at('data')).filter(name => name.startsWith('copy-'))
  }

  async broken(): Promise<readonly string[]> {
    await using broker = await this.stand.started()
    const copies = this.copies()
    const held = await this.held()
    const [code] = (await once(this.backingUp(), 'exit')) as [number]
    const broken = [
      ...this.#broken.splice(0),
      ...copies.map(name => `a copy is left: ${name}`),
      ...(held === leasesCount ? [] : [`${held} of ${leasesCount} leases are held`]),
      ...(code === 0 && existsSync(this.file) ? [] : [`a backup after the deaths ended with ${code}`])
    ]
    await this.#wholeOrNothing()
    await broker.stop()
    return [...broken, ...this.#broken.splice(0)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stand[Symbol.asyncDispose]()
  }
}

// From its first byte to its name a small backup takes so many milliseconds.
const drafts = 30

/** What Node made of the sources before: the environment of the command is otherwise its own. */
function compileCache(): Record<string, string> {
  const folder = process.env['NODE_COMPILE_CACHE']
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder }
}

export const backup: CrashSuite = {
  name: 'backup',
  holds: 'no half backup under its final name, no copy and no draft left, a backup afterwards is whole',
  moments: atFirstPass(backupPoints),
  passesMax: 2,
  deathsPerLook: 5,
  open: () => BackedUp.open()
}
