import { storeContract } from '../contract/store-contract.ts'
import { sqliteUnderTest } from './sqlite-under-test.ts'

storeContract('SQLite', sqliteUnderTest, { lasts: true })
