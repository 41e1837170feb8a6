/** The same requests to the server that clients were written for and to ours: status, content type, error texts, keys and their types. What differs is stated, with
 *  its reason; anything else that differs fails. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { differentialScript } from './differential-script.ts'
import type { Step } from './differential-step.ts'
import { startOpenbao } from './openbao-server.ts'
import { differences } from './reply-shape.ts'
import { sendWire, serveUnderOneShare } from './serve-in-memory.ts'
import type { WireReply } from './serve-in-memory.ts'
import { statedDifferences } from './stated-differences.ts'

// Their names are the same whatever the server is called.
const plan = differentialScript({ host: '', port: 0, superuser: '', password: '', logFile: '', admin: { user: '', password: '' } })

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('beside a real OpenBao', () => {
  let postgres: PostgresAccess
  let here: Record<string, WireReply>
  let there: Record<string, WireReply>
  beforeAll(async () => {
    postgres = await sharedPostgres()
    const script = differentialScript(postgres)
    await using openbao = await startOpenbao()
    await using mayfly = await serveUnderOneShare()
    here = await replies(script, mayfly.address, mayfly.root)
    there = await replies(script, openbao.address, openbao.root)
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test.each(plan)('$name', ({ name, values }) => {
    expect(differences(here[name]!, there[name]!, values)).toEqual((statedDifferences[name]?.seen ?? []).toSorted())
  })

  test('every stated difference is of a step', () => {
    expect(Object.keys(statedDifferences).filter(name => !plan.some(step => step.name === name))).toEqual([])
  })
})

async function replies(script: readonly Step[], address: string, root: string): Promise<Record<string, WireReply>> {
  const seen: Record<string, WireReply> = {}
  for (const { name, method, path, body, as, wrapTtl } of script) {
    const { auth, wrap_info: wrapping } = as ? seen[as]!.json : {}
    const token = as === undefined ? root : as === '' ? '' : (auth?.client_token ?? wrapping.token)
    const more = wrapTtl === undefined ? {} : { 'X-Vault-Wrap-TTL': wrapTtl }
    seen[name] = await sendWire(`${address}/v1/${path(seen)}`, method, body?.(seen), token, more)
  }
  return seen
}
