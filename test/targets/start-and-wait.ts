/** A parent that starts a PostgreSQL, says where, and waits to be killed. */
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { startPostgres } from './embedded-postgres.ts'

await using postgres = await startPostgres()
process.stdout.write(`${postgres.pid} ${postgres.logFile}\n`)
await wait(60_000)
