import { constants } from 'node:fs'
import { access, open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BrokerError } from '../contracts/index.ts'
import type { AutoSeal, Random } from '../contracts/index.ts'
import { rootKeyPlace } from './root-key.ts'
import { openUnderKey, sealUnderKey } from './under-key.ts'

// 64 digits and a line feed: text, so that it can be kept in a password safe. Whoever loses it loses the store.
const fileLengthMax = 65
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** The unseal key in a file on the same machine: it protects a store that is copied without it, and nothing else. */
export class KeyFileSeal implements AutoSeal {
  readonly kind = 'key_file'
  readonly #path: string
  readonly #random: Random

  constructor(path: string, random: Random) {
    this.#path = path
    this.#random = random
  }

  async prepare(): Promise<void> {
    const key = this.#random.bytes(32)
    try {
      await createKeyFile(this.#path, key)
    } catch (cause) {
      // There already: an operator's own, or ours from an init that did not end. It has to pass the same tests as ever.
      if (errnoOf(cause) !== 'EEXIST') throw refused(this.#path, 'cannot be created', cause)
      await this.#withKey(() => undefined)
    } finally {
      key.fill(0)
    }
  }

  wrap(rootKey: Uint8Array): Promise<Uint8Array> {
    return this.#withKey(key => sealUnderKey(key, rootKeyPlace, rootKey, this.#random))
  }

  /** A renewal that was cut short between its commit and its end has left the new key beside the old one: it is finished here. */
  async unwrap(wrapped: Uint8Array): Promise<Uint8Array> {
    const rootKey = await this.#opened(this.#path, wrapped)
    if (rootKey) return rootKey
    const beside = (await exists(this.#beside)) && (await this.#opened(this.#beside, wrapped))
    if (!beside) throw new BrokerError('integrity', `the seal's key file ${this.#path} is not the key of this store`)
    await moveDurably(this.#beside, this.#path)
    return beside
  }

  async renew(rootKey: Uint8Array, wrapped: Uint8Array, keep: (wrapped: Uint8Array) => Promise<void>): Promise<void> {
    // After this the key file is the one that opens the store, and what lies beside it is of a renewal that never came to its commit.
    const opened = await this.unwrap(wrapped)
    opened.fill(0)
    await rm(this.#beside, { force: true })
    const key = this.#random.bytes(32)
    try {
      await createKeyFile(this.#beside, key).catch(cause => {
        throw refused(this.#beside, 'cannot be created', cause)
      })
      await keep(sealUnderKey(key, rootKeyPlace, rootKey, this.#random))
    } finally {
      key.fill(0)
    }
    await moveDurably(this.#beside, this.#path)
  }

  get #beside(): string {
    return `${this.#path}.new`
  }

  /** `undefined`: it is another store's key. */
  #opened(path: string, wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#withKey(key => {
      try {
        return openUnderKey(key, rootKeyPlace, wrapped)
      } catch {
        return undefined
      }
    }, path)
  }

  async #withKey<Result>(use: (key: Uint8Array) => Result, path = this.#path): Promise<Result> {
    const key = await readKeyFile(path)
    try {
      return use(key)
    } finally {
      key.fill(0)
    }
  }
}

// O_EXCL follows no symbolic link and never takes a file that somebody laid there.
async function createKeyFile(path: string, key: Uint8Array): Promise<void> {
  await using file = await open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
  try {
    await writeDurably(file, path, `${Buffer.from(key).toString('hex')}\n`)
  } catch (error) {
    // Half a key (a full disk) would stop every later init.
    await rm(path, { force: true })
    throw error
  }
}

// Both syncs, or a power cut after init loses the only key.
async function writeDurably(file: FileHandle, path: string, text: string): Promise<void> {
  await file.writeFile(text)
  await file.sync()
  await syncFolder(path)
}

// In the place of the old file at one moment: there is always one of the two.
async function moveDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(to)
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(dirname(path), O_RDONLY)
  await folder.sync()
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}

async function readKeyFile(path: string): Promise<Uint8Array> {
  await using file = await openKeyFile(path)
  await mustBePrivate(path, file)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(fileLengthMax + 1), 0, fileLengthMax + 1, 0)
  const digits = /^([0-9a-f]{64})\n?$/i.exec(buffer.toString('latin1', 0, bytesRead))?.[1]
  buffer.fill(0)
  if (digits === undefined) throw refused(path, 'does not hold 64 hexadecimal digits')
  return Buffer.from(digits, 'hex')
}

// O_NONBLOCK, or a pipe in the place of the file would hold the start for ever.
async function openKeyFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') throw refused(path, 'is missing: bring it back, a new one cannot open this store', cause)
    if (errnoOf(cause) === 'ELOOP') throw refused(path, 'is a symbolic link', cause)
    throw refused(path, 'cannot be opened', cause)
  }
}

// Asked of the open file, not of the path, which could be changed in between.
async function mustBePrivate(path: string, file: FileHandle): Promise<void> {
  const { mode, uid } = await file.stat()
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused(path, 'is no regular file')
  if ((mode & 0o077) !== 0) throw refused(path, `is open to others (mode ${(mode & 0o777).toString(8)}): chmod 600`)
  if (uid !== 0 && uid !== process.geteuid?.()) throw refused(path, 'belongs to another user')
}

function errnoOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function refused(path: string, why: string, cause?: unknown): BrokerError {
  return new BrokerError('sealed', `the seal's key file ${path} ${why}`, { cause })
}
