/** `cubbyhole/`: what a token keeps for itself. Nobody else reads it, root included, and it is gone with its token: nobody can ask for it from the commit on that ends the token, and the cascade
 *  of that end takes the rows away in batches. */
import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { cubbyholeSpace } from '../../store/token.ts'
import type { Token } from '../../store/token.ts'
import { denied, tokenHash } from '../door/authenticate.ts'
import { corePath } from '../door/core-path.ts'
import type { Call, CorePath } from '../door/core-path.ts'
import type { Outcome } from '../door/request.ts'
import { putEntry, readEntry } from '../mounts/sealed-rows.ts'

// Notes, not files. To list a space the store reads its values as well: 4 MB in 5 ms. Of 1,000 rows of 64 KiB each look took 60 ms, on the thread that everybody reads on.
const valueBytesMax = 16_384
const rowsMax = 250
const keyCharsMax = 512

export const cubbyholePaths: readonly CorePath[] = [
  corePath({
    pattern: '*path',
    summary: 'what the caller’s token keeps for itself',
    exists: async ({ parts, request, params }) =>
      (await parts.store.entry(cubbyholeSpace(tokenHash(parts, request.token ?? '')), params['path'] ?? '')) !== undefined,
    read: readOwn,
    write: writeOwn,
    delete: deleteOwn,
    list: listOwn
  })
]

async function readOwn(call: Call<unknown>): Promise<Outcome> {
  const row = await readEntry(call.parts.store, call.parts.barrier, cubbyholeSpace(own(call).hash), keyOf(call))
  return row && { data: row.value as JsonObject }
}

/** Only while the token lives, asked in the commit itself: what is written behind its end would never be taken away. */
async function writeOwn(call: Call<unknown>): Promise<Outcome> {
  const { parts, request } = call
  const { hash } = own(call)
  const [space, key] = [cubbyholeSpace(hash), keyOf(call)]
  if (Object.keys(request.data).length === 0) throw new BrokerError('invalid_request', 'missing data fields')
  if (Buffer.byteLength(JSON.stringify(request.data)) > valueBytesMax)
    throw new BrokerError('invalid_request', `a cubbyhole keeps at most ${valueBytesMax} bytes at a path`)
  // Writers at once may pass it by one row each: it bounds, it does not count.
  if ((await parts.store.keys(space, '', '', rowsMax)).length >= rowsMax && !(await parts.store.entry(space, key)))
    throw new BrokerError('invalid_request', `a cubbyhole keeps at most ${rowsMax} paths`)
  call.change({ kind: 'token.require', hash })
  call.change(putEntry(parts.barrier, space, key, request.data))
  return undefined
}

async function deleteOwn(call: Call<unknown>): Promise<Outcome> {
  call.change({ kind: 'entry.remove', space: cubbyholeSpace(own(call).hash), key: keyOf(call) })
  return undefined
}

/** One level: names, and `name/` for what lies deeper. */
async function listOwn(call: Call<unknown>): Promise<Outcome> {
  const folder = call.params['path'] ? `${call.params['path']}/` : ''
  const keys = await call.parts.store.keys(cubbyholeSpace(own(call).hash), folder, '', rowsMax)
  const names = new Set(keys.map(key => key.slice(folder.length).replace(/\/.*$/s, '/')))
  return { keys: [...names].toSorted() }
}

function own({ identity }: Call<unknown>): Token {
  if (!identity.token) throw denied()
  return identity.token
}

function keyOf({ params }: Call<unknown>): string {
  const key = params['path'] ?? ''
  if (key === '') throw new BrokerError('invalid_request', 'missing path')
  if (key.length > keyCharsMax) throw new BrokerError('invalid_request', `path: at most ${keyCharsMax} characters below cubbyhole/`)
  return key
}
