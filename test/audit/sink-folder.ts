import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import type { Verdict } from '../../src/audit/verify.ts'
import { publicKey } from './written-trail.ts'

/** A folder of its own for one test. */
export class SinkFolder implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async make(): Promise<SinkFolder> {
    return new SinkFolder(await mkdtemp(join(tmpdir(), 'mayfly-audit-')))
  }

  file(name = 'audit.jsonl'): string {
    return join(this.path, name)
  }

  async lines(...names: readonly string[]): Promise<readonly string[]> {
    const texts = await Promise.all(names.map(name => readFile(this.file(name), 'utf8')))
    return texts.flatMap(text => text.split('\n').filter(Boolean))
  }

  verdict(...names: readonly string[]): Promise<Verdict> {
    return verifyTrail(openLines(...names.map(name => this.file(name))), { publicKey })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await chmod(this.path, 0o700)
    await rm(this.path, { recursive: true })
  }
}

/** A deadline that is far away. */
export const soon = (): AbortSignal => AbortSignal.timeout(10_000)
