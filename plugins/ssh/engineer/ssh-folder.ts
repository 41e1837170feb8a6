import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AskingCall } from 'mayfly/plugin'

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

  get agentPid(): string {
    return this.file('agent.pid')
  }
}
