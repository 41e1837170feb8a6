import { hash } from 'node:crypto'
import type { Json, LeaseId } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Parts } from '../parts.ts'

export function handlePlace(id: LeaseId) {
  return { table: 'lease', row: id, column: 'handle' }
}

export function recipePlace(id: string) {
  return { table: 'recipe', row: id, column: 'value' }
}

/** Recipes are stored once by content. The id is keyed, so that a stolen store does not tell which of two leases ran known statements. */
export function recipeId(parts: Pick<Parts, 'barrier'>, recipe: Json): string {
  return parts.barrier.macHex('recipe', hash('sha256', JSON.stringify(recipe)))
}

export async function openRecipe(parts: Pick<Parts, 'barrier' | 'store'>, id: string): Promise<Json> {
  const sealed = await parts.store.recipe(id)
  if (!sealed) throw new Error(`recipe ${id} is not in the store`)
  return parts.barrier.openJson(recipePlace(id), sealed)
}

export function openHandle(parts: Pick<Parts, 'barrier'>, lease: Lease): Json {
  return parts.barrier.openJson(handlePlace(lease.id), lease.handle)
}
