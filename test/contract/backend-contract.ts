/** What every backend must prove, at its real target. A third party runs it on its own:
 *
 *  ```ts
 *  import { backendContract, TestMount } from 'mayfly/testing'
 *  backendContract('my backend', openMine)
 *  ``` */
import { describe } from 'vitest'
import { dying } from './backend/dying.ts'
import { issuing } from './backend/issuing.ts'
import { knowingItsOwn } from './backend/knowing-its-own.ts'
import { revoking } from './backend/revoking.ts'
import type { BackendUnderTest } from './backend/under-test.ts'

export type { BackendUnderTest, Session, Stranger } from './backend/under-test.ts'

export function backendContract(name: string, open: () => Promise<BackendUnderTest>): void {
  describe(`${name} keeps the contract of a backend`, () => {
    issuing(open)
    revoking(open)
    dying(open)
    knowingItsOwn(open)
  })
}
