import type { FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

// How often a full pipe is asked for room.
const fullPipeMs = 20

/** Writes all of `bytes`, or rejects. A pipe that nobody reads is full for ever: it is asked until the signal aborts. */
export async function writeAll(handle: Pick<FileHandle, 'write'>, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    signal.throwIfAborted()
    try {
      offset += (await handle.write(bytes, offset)).bytesWritten
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      await delay(fullPipeMs, undefined, { signal })
    }
  }
}
