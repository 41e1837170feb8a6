/** One moto for a whole run of vitest, started when the first suite asks for it. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import type { MotoAddress } from './moto-access.ts'
import { startMoto } from './moto.ts'
import type { TestMoto } from './moto.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where suites ask for the address of the shared moto. */
    readonly motoDesk: string
  }
}

export type MotoAnswer = { readonly moto: MotoAddress } | { readonly error: string }

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<TestMoto> | undefined
  const path = `/${randomBytes(16).toString('hex')}`
  const desk = createServer((request, response) => {
    if (request.url === path) void answer((starting ??= startMoto())).then(text => response.end(text))
    else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => desk.listen(0, '127.0.0.1', resolve))
  desk.unref()
  const at = desk.address()
  project.provide('motoDesk', `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}${path}`)
  return async () => {
    desk.close()
    desk.closeAllConnections()
    const moto = await starting?.catch(() => undefined)
    await moto?.[Symbol.asyncDispose]()
  }
}

async function answer(starting: Promise<TestMoto>): Promise<string> {
  const told = await starting.then(
    ({ address }): MotoAnswer => ({ moto: address }),
    (error: unknown): MotoAnswer => ({ error: error instanceof Error ? error.message : 'unknown' })
  )
  return JSON.stringify(told)
}
