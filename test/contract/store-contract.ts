/** What every store must do, whatever it is made of: SQLite, memory, PostgreSQL. */
import { describe } from 'vitest'
import { adopting } from './store/adopting.ts'
import { auditTrail } from './store/audit-trail.ts'
import { cascades } from './store/cascades.ts'
import { fences } from './store/fences.ts'
import { leases } from './store/leases.ts'
import { logins } from './store/logins.ts'
import { races } from './store/races.ts'
import { resealing } from './store/resealing.ts'
import { sealedRows } from './store/sealed-rows.ts'
import { sweeping } from './store/sweeping.ts'
import { tasks } from './store/tasks.ts'
import { tokens } from './store/tokens.ts'
import { usage } from './store/usage.ts'
import { wrapping } from './store/wrapping.ts'
import type { OpenStore } from './store/world.ts'

export interface StoreAbilities {
  /** It outlives a run, and a second run may begin while the first still works (`restart` and `usurp` are there). */
  readonly lasts: boolean
}

export function storeContract(name: string, open: OpenStore, { lasts }: StoreAbilities): void {
  describe(`the store on ${name}`, () => {
    sealedRows(open)
    resealing(open)
    tasks(open)
    tokens(open)
    wrapping(open)
    logins(open)
    leases(open)
    sweeping(open)
    cascades(open)
    adopting(open)
    usage(open)
    auditTrail(open, lasts)
    races(open)
    if (lasts) fences(open)
  })
}
