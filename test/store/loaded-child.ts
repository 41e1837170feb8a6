/** A process that writes as fast as it can and says what was acknowledged. The test kills it. */
import { openSqlite } from '../../src/store/sqlite/open.ts'

const [path, run] = process.argv.slice(2)
const store = await openSqlite({ path: path!, reserveBytes: 65_536 })
store.fatal.catch((error: Error) => {
  process.send!({ fatal: error.message }, () => process.exit(70))
})

async function caller(name: number): Promise<void> {
  for (let n = 0; ; n++) {
    const key = `${run} ${name} ${n}`
    const now = Temporal.Now.instant()
    await store.commit(
      [{ kind: 'entry.put', now, space: 's', key, value: new TextEncoder().encode(key), expected: 0 }],
      [`{"key":"${key}"}`]
    )
    process.send!({ acknowledged: key })
  }
}

process.send!({ ready: store.node.epoch })
await Promise.all(Array.from({ length: 16 }, (_, name) => caller(name).catch((error: Error) => process.send!({ failed: error.message }))))
