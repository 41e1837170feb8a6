import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { AskingCall } from 'mayfly/plugin'

// 104 on some systems, 108 on Linux, with a NUL at the end; the number in a name may have three digits more in another process.
const socketPathBytesMax = 100

/** What the command keeps for its user: `~/.mayfly/ssh`, for its owner alone. No secret is in a file of it but where `setup --files` was wanted. */
export class SshFolder {
  readonly path: string

  constructor({ homeDir }: Pick<AskingCall, 'homeDir'>) {
    this.path = join(homeDir, '.mayfly', 'ssh')
  }

  /** Made, where it is not there yet. */
  made(...below: readonly string[]): string {
    const folder = join(this.path, ...below)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const one of [this.path, folder]) chmodSync(one, 0o700)
    return folder
  }

  file(...names: readonly string[]): string {
    return join(this.path, ...names)
  }

  get agentSocket(): string {
    return this.file('agent.sock')
  }

  /** Whether a socket can be there at all: its path has to fit into a field of the kernel's. */
  get fitsSocket(): boolean {
    return Buffer.byteLength(this.agentBeside) <= socketPathBytesMax
  }

  /** Where an agent begins, before it takes the place of another. */
  get agentBeside(): string {
    return this.file(`agent.${process.pid}.sock`)
  }

  get agentPid(): string {
    return this.file('agent.pid')
  }
}
