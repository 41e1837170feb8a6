import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from './usage-error.ts'

/** What login has stored, here or with a client that people come from. */
export function storedToken(homeDir: string): { readonly value: string; readonly from: string } | undefined {
  for (const name of ['.mayfly-token', '.vault-token']) {
    const value = readIfThere(join(homeDir, name)).trim()
    if (value !== '') return { value, from: `~/${name}` }
  }
  return undefined
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return ''
    throw new UsageError(`cannot read ${path} (${code ?? 'error'})`, { cause: error })
  }
}

/** Written beside and renamed: never half a token, never through a link that somebody left there, never readable by others for a moment. */
export function storeToken(homeDir: string, token: string): string {
  const path = join(homeDir, '.mayfly-token')
  const beside = `${path}.${randomUUID()}`
  try {
    writeFileSync(beside, `${token}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(beside, path)
    return path
  } catch (error) {
    rmSync(beside, { force: true })
    throw new UsageError(`cannot store the token in ${path} (${(error as NodeJS.ErrnoException).code ?? 'error'})`, { cause: error })
  }
}
