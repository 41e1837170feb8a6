import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new one of this user alone, gone when it is disposed of; in memory where the machine has a place for that. */
export function privateFolder(env: Readonly<Record<string, string | undefined>>): Disposable & { readonly path: string } {
  const runtime = env['XDG_RUNTIME_DIR']
  const path = made(runtime ? [runtime, tmpdir()] : [tmpdir()])
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

function made([place = tmpdir(), ...others]: readonly string[]): string {
  try {
    // With mode 0700.
    return mkdtempSync(join(place, 'mayfly-ssh-'))
  } catch (error) {
    if (others.length === 0) throw error
    return made(others)
  }
}
