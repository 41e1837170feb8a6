import type { FaultWorld } from './fault-world.ts'

/** One fault, and what must hold while it lasts and after it. */
export interface Scenario {
  readonly name: string
  /** What happens to the broker, in words. */
  readonly fault: string
  /** What must hold. */
  readonly promise: string
  /** Why it cannot run here, if so. */
  missing?(): string | undefined
  /** Also in `npm test`. */
  readonly short?: true
  readonly storeMegabytes?: number
  readonly auditMegabytes?: number
  /** What was measured, for the table. Throws when the promise was broken. */
  run(world: FaultWorld): Promise<string>
}

export class Broken extends Error {}

/** A promise that was broken ends its scenario, in these words. */
export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Broken(otherwise)
}
