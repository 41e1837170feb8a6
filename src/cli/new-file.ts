import { constants } from 'node:fs'
import { link, open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClientError } from '../client/client-error.ts'
import { UsageError } from './usage-error.ts'

/** A file that is there whole or not at all, and takes nobody's place: written for its owner alone under another name, `check`ed, synced, and only then named. */
export async function writeNewFile(path: string, body: AsyncIterable<Uint8Array>, check: (draft: string) => Promise<void>): Promise<void> {
  try {
    await write(path, body, check)
  } catch (error) {
    const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException
    // A full disk, a folder that is not there; what the server or the check said goes on as it is.
    if (syscall === undefined || error instanceof ClientError) throw error
    throw new UsageError(`cannot write ${path} (${code ?? syscall})`, { cause: error })
  }
}

async function write(path: string, body: AsyncIterable<Uint8Array>, check: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${path}.part`
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  try {
    const handle = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600).catch(cause => {
      throw cause.code === 'EEXIST'
        ? new UsageError(`${draft} is there already: another run writes it, or one was cut off; remove it then`)
        : cause
    })
    await fill(handle, body)
  } catch (error) {
    if (!(error instanceof UsageError)) await unlink(draft).catch(() => undefined)
    throw error
  }
  try {
    await check(draft)
    // Unlike a rename it fails where something is.
    await link(draft, path).catch(cause => {
      throw cause.code === 'EEXIST' ? new UsageError(`${path} is there already`) : cause
    })
  } finally {
    await unlink(draft)
  }
  await syncFolder(dirname(path))
}

async function fill(handle: FileHandle, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) await handle.appendFile(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
