/** `root-rotations/<connection>`: a new password of an admin account, from before the server hears of it until it is the one that all connections log in with. */
import type { MountReader, TargetId } from 'mayfly/plugin'
import { allKeys } from '../key-list.ts'

export type PendingRoot = {
  readonly target: TargetId
  readonly password: string
  /** By which `RootChanges` knows it. Rows of before have none. */
  readonly id?: string
}

const prefix = 'root-rotations/'
export const pendingRootKey = (name: string): string => prefix + name

export async function pendingRoots(storage: MountReader): Promise<readonly { readonly name: string; readonly pending: PendingRoot }[]> {
  const found = []
  for (const name of await allKeys(storage, prefix)) {
    const stored = await readPendingRoot(storage, name)
    if (stored) found.push({ name, pending: stored.pending })
  }
  return found
}

export async function readPendingRoot(storage: MountReader, name: string): Promise<{ pending: PendingRoot; row: number } | undefined> {
  const stored = await storage.get(pendingRootKey(name))
  return stored && { pending: stored.value as unknown as PendingRoot, row: stored.version }
}
