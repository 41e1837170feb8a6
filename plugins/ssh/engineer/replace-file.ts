import { randomUUID } from 'node:crypto'
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** A file with this text, from one moment to the next: whoever reads it meanwhile, and whoever comes after a crash, finds the old one or the new one, never half of one. */
export function replaceFile(file: string, text: string | Uint8Array, mode: number): void {
  const beside = `${file}.${randomUUID()}`
  try {
    writeFileSync(beside, text, { mode: 0o600, flag: 'wx', flush: true })
    chmodSync(beside, mode)
    renameSync(beside, file)
  } finally {
    rmSync(beside, { force: true })
  }
}
