import type { AuditSink } from '../../contracts/index.ts'
import type { Parts } from '../parts.ts'
import { entryPlace } from '../mounts/sealed-rows.ts'

/** A sink that was enabled through `sys/audit`. */
export interface AuditDevice {
  /** With its slash: `file/`. */
  readonly path: string
  readonly type: 'file'
  readonly description: string
  /** Absolute, below the audit directory. */
  readonly filePath: string
  readonly options: Readonly<Record<string, string>>
}

/** Keeps the open sinks as the sealed rows of `sys/audit` say. */
export class AuditDevices {
  readonly #parts: Parts
  readonly #open: (path: string) => Promise<AuditSink>
  readonly #ours = new Set<string>()
  #loading: Promise<void> = Promise.resolve()

  constructor(parts: Parts, open: (path: string) => Promise<AuditSink>) {
    this.#parts = parts
    this.#open = open
  }

  /** One load at a time: two would open a file twice, and each write every line. */
  load(): Promise<void> {
    this.#loading = this.#loading.catch(() => undefined).then(() => this.#load())
    return this.#loading
  }

  async #load(): Promise<void> {
    const { store, sinks, log } = this.#parts
    const { entries } = await store.entries('audit')
    const devices = entries.flatMap(({ key, value }) => this.#read(key, value) ?? [])
    // One that cannot be read may be any of ours.
    const known = devices.length === entries.length
    sinks.enabled = known ? devices.map(sinkName) : undefined
    if (known) for (const name of this.#ours) if (!devices.some(device => sinkName(device) === name)) await this.#remove(name)
    for (const device of devices) {
      if (sinks.has(sinkName(device))) continue
      try {
        await sinks.add(await this.#open(device.filePath))
        this.#ours.add(sinkName(device))
      } catch (error) {
        log.error('an audit device does not open', { device: device.path }, error)
      }
    }
  }

  #read(key: string, value: Uint8Array): AuditDevice | undefined {
    try {
      return this.#parts.barrier.openJson(entryPlace('audit', key), value) as unknown as AuditDevice
    } catch (error) {
      this.#parts.log.error('the row of an audit device cannot be read', { device: key }, error)
      return undefined
    }
  }

  async #remove(name: string): Promise<void> {
    this.#ours.delete(name)
    await this.#parts.sinks.remove(name, true)
  }
}

/** As the file sink names itself. */
function sinkName(device: AuditDevice): string {
  return `file:${device.filePath}`
}
