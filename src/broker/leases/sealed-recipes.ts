import type { Json } from '../../contracts/index.ts'
import type { Barrier } from '../../seal/barrier.ts'
import { recipeId, recipePlace } from './lease-rows.ts'

export interface SealedRecipe {
  readonly id: string
  readonly sealed: Uint8Array
}

// A role has one for each of its versions. Texts that are longer are rare, and not worth their place.
const keptMax = 500
const textCharsMax = 16_384

/** Recipes are few, and each stands for many leases: sealed once under a key, and not at every issue. */
export class SealedRecipes {
  readonly #barrier: Barrier
  readonly #kept = new Map<string, SealedRecipe>()
  #term = -1

  constructor(barrier: Barrier) {
    this.#barrier = barrier
  }

  of(recipe: Json): SealedRecipe {
    const { term } = this.#barrier.keyStatus
    // What an older key sealed is not taken any more once the rows are sealed anew.
    if (term !== this.#term) this.#kept.clear()
    this.#term = term
    const text = JSON.stringify(recipe)
    const kept = this.#kept.get(text)
    if (kept) return kept
    const id = recipeId({ barrier: this.#barrier }, recipe)
    const made = { id, sealed: this.#barrier.sealJson(recipePlace(id), recipe) }
    if (text.length > textCharsMax) return made
    if (this.#kept.size >= keptMax) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(text, made)
    return made
  }
}
