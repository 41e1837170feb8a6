import { inject } from 'vitest'
import { MotoAccess } from './moto-access.ts'
import type { MotoAnswer } from './moto-setup.ts'

/** The moto that all suites of this run share: leave only what is yours, and count nothing but that. For faults start your own. */
export async function sharedMoto(): Promise<MotoAccess> {
  const answer = (await (await fetch(inject('motoDesk'))).json()) as MotoAnswer
  if ('error' in answer) throw new Error(answer.error)
  return new MotoAccess(answer.moto)
}
