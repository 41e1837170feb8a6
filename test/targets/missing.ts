import { join } from 'node:path'
import { existsSync } from 'node:fs'
import process from 'node:process'

const venv = join(import.meta.dirname, '..', '..', '.venv', 'bin')

/** The private Python and the `bao` command that `npm test` prepares. */
export const python = join(venv, 'python')
export const bao = join(venv, 'bao')

export function pythonMissing(): string | undefined {
  return existsSync(python) && existsSync(bao) ? undefined : 'the Python clients are not installed: npm test does it where python3 is'
}

/** For `describe.skipIf(missing(postgresMissing()))`: skips with a reason, except where every target is required; there the suite runs, and fails. */
export function missing(reason: string | undefined): boolean {
  if (reason === undefined || process.env['MAYFLY_REQUIRE'] === 'all') return false
  process.stderr.write(`*** SKIPPED: ${reason}\n`)
  return true
}
