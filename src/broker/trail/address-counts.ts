// What is counted is counted for each address, at most so many apart: the rest of a flood is one number.
const addressesMax = 100

/** What callers without an identity did, for one entry a second and address in the place of one each. */
export class AddressCounts {
  readonly #counts = new Map<string, number>()

  add(remoteAddress: string, count = 1): void {
    const address = this.#counts.has(remoteAddress) || this.#counts.size < addressesMax ? remoteAddress : 'others'
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + count)
  }

  /** Gives all away; what could not be written counts again. */
  async written(
    write: (counted: readonly { readonly remoteAddress: string; readonly count: number }[]) => Promise<unknown>
  ): Promise<void> {
    if (this.#counts.size === 0) return
    const counted = [...this.#counts].map(([remoteAddress, count]) => ({ remoteAddress, count }))
    this.#counts.clear()
    try {
      await write(counted)
    } catch (error) {
      for (const { remoteAddress, count } of counted) this.add(remoteAddress, count)
      throw error
    }
  }
}
