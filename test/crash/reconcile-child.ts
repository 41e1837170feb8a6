/** A broker that finds a user without a lease and dies at the named point: `node reconcile-child.ts FOLDER POINT`. */
import { join } from 'node:path'
import process from 'node:process'
import '../../src/plugin-name.ts'

const [folder, point] = process.argv.slice(2)
const { openSqlite } = await import('../../src/store/sqlite/open.ts')
const { smallBroker } = await import('../broker/small-broker.ts')
const { found, orphan } = await import('../broker/reconcile-stand.ts')

const broker = await smallBroker({
  store: await openSqlite({ path: join(folder!, 'data') }),
  at: here => {
    if (here === point) process.kill(process.pid, 'SIGKILL')
    return undefined
  }
})
const target = join(folder!, 'users.db')
await broker.ask('write', 'sys/mounts/users', { type: 'memory', config: { reconcile: 'remove', reconcile_after: '70s' } })
await broker.ask('write', 'users/config', { path: target })
orphan({ ...broker, target }, 'm-app-lost', 48)
console.log('looks')
// The store answers in its own time: a look may come too early for the clock that is wound.
for (let look = 0; look < 20; look++) {
  await found(broker)
  await broker.clock.advance('PT75S')
}
