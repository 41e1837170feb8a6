import { existsSync, readdirSync, rmSync } from 'node:fs'
import type { SshFolder } from './ssh-folder.ts'

/** Takes away the key and the certificate that `ssh certificate` has put there. */
export function removeFiles(folder: SshFolder): void {
  const names = existsSync(folder.path) ? readdirSync(folder.path) : []
  for (const name of names)
    if (['files', 'fresh', 'now'].includes(name) || name.startsWith('pair-')) rmSync(folder.file(name), { recursive: true, force: true })
}
