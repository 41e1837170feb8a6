import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { resumePoints } from '../../../src/broker/crash-point.ts'
import type { ResumeAs } from '../../../src/store/change.ts'
import { atFirstPass } from '../moment.ts'
import type { Moment } from '../moment.ts'
import type { CrashSuite, Deaths } from '../suite.ts'
import { BackedUp, leasesCount } from './backup.ts'

// From its first byte to its name a small store takes so many milliseconds.
const writingMs = 40

const other = (as: ResumeAs): ResumeAs => (as === 'copy' ? 'restored' : 'copy')

/** A backup that becomes a store, which is then resumed: as what takes the place of the lost one, or as a copy. */
export class Restored implements Deaths {
  readonly backedUp: BackedUp
  answered = 0
  #turn = 0
  #broken: string[] = []

  private constructor(backedUp: BackedUp) {
    this.backedUp = backedUp
  }

  static async open(): Promise<Restored> {
    const backedUp = await BackedUp.open()
    await using broker = await backedUp.stand.started()
    const [code] = (await once(backedUp.backingUp(), 'exit')) as [number]
    if (code !== 0) throw new Error(`the backup ended with ${code}`)
    await broker.stop()
    return new Restored(backedUp)
  }

  /** The store is lost, and made anew; a death at random cuts that off, or what follows. */
  async die(moment: Moment): Promise<boolean> {
    const as = this.#turn % 2 === 0 ? 'restored' : 'copy'
    if ('afterMs' in moment && this.#turn % 4 < 2) await this.restoreDies(moment.afterMs % writingMs)
    else await this.restored()
    this.#turn++
    const came = await this.resumeDies(moment, as)
    this.#broken.push(...(await this.resumedBroken(as, 'point' in moment && came)))
    return came
  }

  async restored(): Promise<void> {
    rmSync(this.#data, { recursive: true, force: true })
    await this.backedUp.restoring()
  }

  get #data(): string {
    return this.backedUp.stand.at('data')
  }

  #files(): readonly string[] {
    return existsSync(this.#data) ? readdirSync(this.#data) : []
  }

  /** Cut off it has left no store that a broker starts on, or the whole one. */
  async restoreDies(afterMs: number): Promise<void> {
    rmSync(this.#data, { recursive: true, force: true })
    const { stand, file } = this.backedUp
    const command = this.backedUp.operator('restore', '--config', stand.config, file)
    const ended = once(command, 'exit')
    while (command.exitCode === null && this.#files().length === 0) await wait(1)
    await wait(afterMs)
    command.kill('SIGKILL')
    await ended
    if (!this.#files().includes('mayfly.db')) await this.backedUp.restoring()
  }

  resumeDies(moment: Moment, as: ResumeAs): Promise<boolean> {
    const { stand } = this.backedUp
    return stand.death(moment, {
      drive: async gone => {
        while (!gone.aborted) await stand.api.ask('PUT', 'sys/resume', { as }).catch(() => wait(20))
      }
    })
  }

  /** It is held until it is resumed as what was begun, or it is resumed; then it has the leases that it should, and issues. */
  async resumedBroken(as: ResumeAs, begun: boolean): Promise<readonly string[]> {
    const { stand } = this.backedUp
    const { api } = stand
    await using broker = await stand.started()
    const broken: string[] = []
    const { body: health } = await api.ask('GET', 'sys/health')
    if (health.held) {
      if (health.resuming_as === as) {
        const { status } = await api.ask('PUT', 'sys/resume', { as: other(as) })
        if (status !== 400) broken.push(`begun as ${as}, it is resumed as ${other(as)}: ${status}`)
      } else if (begun || health.resuming_as !== undefined) broken.push(`begun as ${as}, it says ${health.resuming_as}`)
      await api.must('PUT', 'sys/resume', { as })
    }
    const [held, wanted] = [await this.backedUp.held(), as === 'copy' ? 0 : leasesCount]
    if (held !== wanted) broken.push(`resumed as ${as}, it holds ${held} leases instead of ${wanted}`)
    const { lease_id } = await api.must('GET', 'memory/creds/app')
    await api.must('PUT', 'sys/leases/revoke', { lease_id })
    // The sink may be some lines behind until then.
    await broker.stop()
    if (!readFileSync(stand.at('audit.jsonl'), 'utf8').includes('sys/resume')) broken.push('the trail does not tell of the resume')
    this.answered++
    return broken
  }

  async broken(): Promise<readonly string[]> {
    return this.#broken.splice(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.backedUp[Symbol.asyncDispose]()
  }
}

export const restore: CrashSuite = {
  name: 'restore',
  holds: 'a restore is done or begins anew, a resume ends as it was begun, no lease is lost or ended by it',
  moments: atFirstPass(resumePoints),
  passesMax: 1,
  deathsPerLook: 1,
  open: () => Restored.open()
}
