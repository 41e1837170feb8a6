/** The judge of the formats: the installed `ssh-keygen`, asked about many things in one call, since each costs 9 ms. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing } from '../../../targets/missing.ts'

// By name only: it is the system's, no package brings it.
const program = 'ssh-keygen'

export const noKeygen = missing(reason())

function reason(): string | undefined {
  const { error } = spawnSync(program, ['-?'], { stdio: 'ignore' })
  return error && 'ssh-keygen is not installed: apt-get install openssh-client'
}

/** A folder for one call. */
export class KeygenFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'mayfly-ssh-format-'))

  file(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8')
  }

  /** What it prints; throws with its complaint when it ends with another status than 0. */
  run(args: readonly string[], input?: string | Uint8Array): string {
    return execFileSync(program, args, {
      stdio: 'pipe',
      encoding: 'utf8',
      env: { TZ: 'UTC', PATH: process.env['PATH'] },
      cwd: this.path,
      ...(input === undefined ? {} : { input })
    })
  }

  /** For what it answers by its status: that, and what it prints. */
  ask(args: readonly string[], input?: string | Uint8Array): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(program, args, {
      encoding: 'utf8',
      env: { TZ: 'UTC', PATH: process.env['PATH'] },
      cwd: this.path,
      ...(input === undefined ? {} : { input })
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true })
  }
}
