/** The thread that `hash-thread.ts` starts. */
import { parentPort } from 'node:worker_threads'
import { sha256Crypt } from './sha256-crypt.ts'

export interface Asked {
  readonly id: number
  readonly password: string
  readonly salt: string
}

export interface Hashed {
  readonly id: number
  readonly hash: string
}

parentPort!.on('message', ({ id, password, salt }: Asked) => {
  const hashed: Hashed = { id, hash: sha256Crypt(Buffer.from(password), Buffer.from(salt)) }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
  parentPort!.postMessage(hashed)
})
