/** `mayfly/testing`: the suites that prove a plugin, and what they stand on. */
export { backendContract } from './backend-contract.ts'
export type { BackendUnderTest, Session, Stranger } from './backend-contract.ts'
export { TestMount } from './test-mount.ts'
export type { TestLease, TestMountOptions } from './test-mount.ts'
export { TestClock } from '../sim/test-clock.ts'
export { storeContract } from './store-contract.ts'
export type { OpenStore, StoreUnderTest } from './store/world.ts'
