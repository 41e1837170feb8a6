import { randomUUID } from 'node:crypto'
import { lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { UsageError } from '../usage-error.ts'

/** A file that only its owner reads, written whole or not at all, gone at the end. */
export class PrivateFile implements Disposable {
  readonly path: string
  #inode: bigint | undefined

  /** A file that is there must look as if an earlier run had left it: somebody else's is not for us to write or to remove. */
  constructor(path: string) {
    this.path = path
    const there = this.#stat()
    if (there === undefined) return
    if (!there.isFile() || Number(there.uid) !== process.getuid?.() || (there.mode & 0o077n) !== 0n)
      throw new UsageError(`file: ${path} is there already, and is no file that you alone may read`)
  }

  /** Beside and renamed: a reader finds the old text or the new one. */
  write(text: string): void {
    const beside = `${this.path}.${randomUUID()}`
    try {
      writeFileSync(beside, text, { mode: 0o600, flag: 'wx' })
      renameSync(beside, this.path)
      this.#inode = this.#stat()?.ino
    } catch (error) {
      rmSync(beside, { force: true })
      throw new UsageError(`file: cannot write ${this.path} (${(error as NodeJS.ErrnoException).code ?? 'error'})`, { cause: error })
    }
  }

  [Symbol.dispose](): void {
    if (this.#inode !== undefined && this.#stat()?.ino === this.#inode) rmSync(this.path, { force: true })
  }

  #stat() {
    return lstatSync(this.path, { throwIfNoEntry: false, bigint: true })
  }
}
