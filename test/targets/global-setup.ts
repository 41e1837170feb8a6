/** One server of each kind for a whole run of vitest, started when the first suite asks for it, so that a run without it costs nothing. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import { startPostgres } from './embedded-postgres.ts'
import type { TestPostgres } from './embedded-postgres.ts'
import { flavours } from './mysql-flavours.ts'
import type { Flavour } from './mysql-flavours.ts'
import { startMysql } from './test-mysql.ts'
import type { TestMysql } from './test-mysql.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where suites ask for the address of the shared PostgreSQL; behind it `/mariadb` and `/mysql`. */
    readonly postgresDesk: string
  }
}

/** What the desk answers: an address, or why there is none. */
export type DeskAnswer = { readonly postgres: TestPostgres['address'] } | { readonly error: string }
export type MysqlDeskAnswer = { readonly mysql: TestMysql['address'] } | { readonly error: string }

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<TestPostgres> | undefined
  const mysql = new Map<Flavour, Promise<TestMysql>>()
  const path = `/${randomBytes(16).toString('hex')}`
  const desk = createServer((request, response) => {
    const flavour = flavours.find(one => request.url === `${path}/${one}`)
    if (request.url === path) void answer((starting ??= start()), ({ address }) => ({ postgres: address })).then(text => response.end(text))
    else if (flavour)
      void answer(
        mysql.getOrInsertComputed(flavour, () => startMysql(flavour)),
        ({ address }) => ({ mysql: address })
      ).then(text => response.end(text))
    else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => desk.listen(0, '127.0.0.1', resolve))
  desk.unref()
  const at = desk.address()
  project.provide('postgresDesk', `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}${path}`)
  return async () => {
    desk.close()
    desk.closeAllConnections()
    for (const server of [starting, ...mysql.values()]) await (await server?.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
}

// Statements are logged, so that a scan for secrets sees what went over the wire.
function start(): Promise<TestPostgres> {
  return startPostgres({ settings: { log_statement: 'all' } })
}

async function answer<T>(starting: Promise<T>, address: (server: T) => DeskAnswer | MysqlDeskAnswer): Promise<string> {
  const told = await starting.then(
    server => address(server),
    (error: unknown) => ({ error: error instanceof Error ? error.message : 'unknown' })
  )
  return JSON.stringify(told)
}
