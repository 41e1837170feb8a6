/** `root-rotation`: a new key of the root's own user, from before AWS is asked for it until the old one is gone. */
import type { MountReader } from 'mayfly/plugin'

/** Key of the task, and of its one schedule. Rows of the store name them: never rename one. */
export const rotateRoot = 'rotate-root'
export const rotationKey = 'root-rotation'
/** Counts the runs that may have asked AWS for a key, each before it does. */
export const runsSequence = 'root-rotation-runs'

export type PendingRotation =
  /** The user had `from` and no other key: whatever else it has, a run of ours has made. */
  | {
      readonly stage: 'make'
      readonly version: string
      readonly user: string
      readonly from: string
      /** The count of the sequence when it was begun. Rows of before have none. */
      readonly runs?: number
    }
  /** On record, and not seen to work yet. */
  | {
      readonly stage: 'prove'
      readonly version: string
      readonly user: string
      readonly from: string
      readonly next: { readonly accessKey: string; readonly secretKey: string }
    }
  /** The new key is the one that is used; the old one is still there, for calls that are under way. */
  | {
      readonly stage: 'retire'
      readonly version: string
      readonly user: string
      readonly from: string
      /** What AWS says instead of deleting it. */
      readonly trouble?: string
    }

export async function readRotation(storage: MountReader): Promise<{ readonly pending: PendingRotation; readonly row: number } | undefined> {
  const stored = await storage.get(rotationKey)
  return stored && { pending: stored.value as unknown as PendingRotation, row: stored.version }
}
