import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Io } from '../io.ts'

/** A folder that only its owner may enter, in memory where the system has a place for that: what lies there never reaches a disk. */
export class PrivateFolder implements Disposable {
  readonly path: string

  constructor(env: Io['env']) {
    this.path = firstThatWorks(
      [env['XDG_RUNTIME_DIR'], '/dev/shm', tmpdir()].filter(place => place !== undefined && place !== '') as string[]
    )
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

function firstThatWorks([place = tmpdir(), ...others]: readonly string[]): string {
  try {
    // Made 0700.
    return mkdtempSync(join(place, 'mayfly-'))
  } catch (error) {
    if (others.length === 0) throw error
    return firstThatWorks(others)
  }
}
