/** A process that writes a row each tenth of a second and says what became of it. */
import { setTimeout as delay } from 'node:timers/promises'
import { BrokerError } from '../../src/contracts/index.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'

const [path, rows] = process.argv.slice(2)
const store = await openSqlite({ path: path!, reserveBytes: 65_536 })
store.fatal.catch((error: Error) => process.send!({ fatal: error.message, at: performance.now() }, () => process.exit(70)))

for (let n = 0; n < Number(rows); n++) {
  const now = Temporal.Now.instant()
  const put = { kind: 'entry.put', now, space: 's', key: String(n), value: new Uint8Array(1), expected: 0 } as const
  const said = await store.commit([put], []).then(
    () => ({ kept: n }),
    (error: unknown) => ({ refused: error instanceof BrokerError ? error.message : String(error) })
  )
  process.send!({ ...said, at: performance.now() })
  await delay(100)
}
await store[Symbol.asyncDispose]()
process.disconnect!()
