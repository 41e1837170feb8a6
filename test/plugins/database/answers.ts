import { expect } from 'vitest'
import { BrokerError } from '../../../src/contracts/index.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import type { TestLease, TestMount } from '../../contract/test-mount.ts'

export async function dataOf(mount: TestMount, path: string): Promise<JsonObject> {
  const answer = await mount.read(path)
  if (!answer || !('data' in answer)) throw new Error(`${path} answers no data`)
  return answer.data
}

export async function issueAndEnd(mount: TestMount): Promise<TestLease> {
  const lease = await mount.issue('creds/app')
  await mount.revoke([lease])
  return lease
}

/** What a caller gets: the code and the beginning of the message. */
export function refusal(code: string, message: string): unknown {
  return expect.toSatisfy((error: unknown) => error instanceof BrokerError && error.code === code && error.message.includes(message))
}
