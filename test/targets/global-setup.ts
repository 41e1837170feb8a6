/** One PostgreSQL for a whole run of vitest, started when the first suite asks for it, so that a run without it costs nothing. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import { startPostgres } from './embedded-postgres.ts'
import type { TestPostgres } from './embedded-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where suites ask for the address of the shared PostgreSQL. */
    readonly postgresDesk: string
  }
}

/** What the desk answers: an address, or why there is none. */
export type DeskAnswer = { readonly postgres: TestPostgres['address'] } | { readonly error: string }

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<TestPostgres> | undefined
  const path = `/${randomBytes(16).toString('hex')}`
  const desk = createServer((request, response) => {
    if (request.url === path) void answer((starting ??= start())).then(text => response.end(text))
    else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => desk.listen(0, '127.0.0.1', resolve))
  desk.unref()
  const at = desk.address()
  project.provide('postgresDesk', `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}${path}`)
  return async () => {
    desk.close()
    desk.closeAllConnections()
    const postgres = await starting?.catch(() => undefined)
    await postgres?.[Symbol.asyncDispose]()
  }
}

// Statements are logged, so that a scan for secrets sees what went over the wire.
function start(): Promise<TestPostgres> {
  return startPostgres({ settings: { log_statement: 'all' } })
}

async function answer(starting: Promise<TestPostgres>): Promise<string> {
  const told = await starting.then(
    ({ address }): DeskAnswer => ({ postgres: address }),
    (error: unknown): DeskAnswer => ({ error: error instanceof Error ? error.message : 'unknown' })
  )
  return JSON.stringify(told)
}
