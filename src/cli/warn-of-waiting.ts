import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../contracts/index.ts'
import type { Invocation } from './invocation.ts'
import { jsonAt, objectsAt, textAt } from './json-at.ts'

// Mount, path, role, lease, and some to spare: a server that names levels for ever is not followed.
const levelsMax = 16

/** A target may have a say in when something is out: a host takes a list, a session ends by itself. Who may not look is told nothing. */
export async function warnOfWaiting(invocation: Invocation, which: JsonObject): Promise<void> {
  const waits = await looked(async () => {
    const { data } = await invocation.request('GET', 'sys/holdings', which, undefined, true)
    return objectsAt(data, 'holdings').find(lease => textAt(lease, 'waits_for') !== '')
  })
  if (waits) invocation.terminal.warn(`not out everywhere yet: ${textAt(waits, 'waits_for')} (mayfly lease ls shows it until it is over)`)
}

/** The oldest lease below a path that is not over: the path itself where nothing is below it. */
export async function firstBelow(invocation: Invocation, path: string): Promise<string> {
  let at = path
  for (let level = 0; level < levelsMax; level++) {
    const first = await looked(() => firstKey(invocation, at))
    if (typeof first !== 'string') return at
    at = `${at}/${first.replace(/\/$/, '')}`
    if (!first.endsWith('/')) return at
  }
  return at
}

async function firstKey(invocation: Invocation, path: string): Promise<unknown> {
  const { data } = await invocation.request('LIST', `sys/leases/lookup/${path}`, { limit: 1 }, undefined, true)
  const keys = jsonAt(data, 'keys')
  return Array.isArray(keys) ? keys[0] : undefined
}

async function looked<Found>(look: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await look()
  } catch (error) {
    // What was asked for is done; a look that fails takes nothing of it back.
    if (error instanceof ClientError) return undefined
    throw error
  }
}
