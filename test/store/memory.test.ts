import { openMemory } from '../../src/store/sqlite/open.ts'
import { storeContract } from '../contract/store-contract.ts'

storeContract(
  'SQLite in memory',
  async () => {
    const store = await openMemory()
    return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
  },
  { lasts: false }
)
