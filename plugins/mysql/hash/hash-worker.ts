/** The thread that `hash-thread.ts` starts. */
import { parentPort } from 'node:worker_threads'
import { passwordBytesMax, sha256CryptLanes } from './sha256-crypt-lanes.ts'
import { sha256Crypt } from './sha256-crypt.ts'
import type { ToCrypt } from './sha256-crypt.ts'
import { lanes } from './sha256-lanes.ts'

export interface Asked {
  readonly password: string
  readonly salt: string
}

/** A hash for each that was asked for, in their order. */
export type Hashed = readonly string[]

parentPort!.on('message', (asked: readonly Asked[]) => {
  const texts = asked.map(({ password, salt }) => ({ password: Buffer.from(password), salt: Buffer.from(salt) }))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
  parentPort!.postMessage(hashed(texts))
})

function hashed(texts: readonly ToCrypt[]): Hashed {
  const hashes = new Map<ToCrypt, string>()
  for (const alike of Map.groupBy(texts, ({ password, salt }) => `${password.length} ${salt.length}`).values())
    for (let from = 0; from < alike.length; from += lanes) {
      const some = alike.slice(from, from + lanes)
      // One alone takes half the time by itself.
      const together = some.length > 1 && some[0]!.password.length <= passwordBytesMax
      const done = together ? sha256CryptLanes(some) : some.map(sha256Crypt)
      some.forEach((text, at) => hashes.set(text, done[at]!))
    }
  return texts.map(text => hashes.get(text)!)
}
