import { afterAll, beforeEach } from 'vitest'
import { Shell } from './shell.ts'
import { SmallServer } from './small-server.ts'

/** A shell whose commands speak to a small server, each test with both as new; they end with the test file that asks. */
export async function servedShell(): Promise<{ readonly server: SmallServer; readonly shell: Shell }> {
  const server = await SmallServer.start()
  const shell = new Shell()
  beforeEach(() => {
    server.asked.length = 0
    server.answer = { status: 204 }
    for (const name of Object.keys(shell.env)) delete shell.env[name]
    shell.env['MAYFLY_ADDR'] = server.address
  })
  afterAll(async () => {
    shell[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  })
  return { server, shell }
}
