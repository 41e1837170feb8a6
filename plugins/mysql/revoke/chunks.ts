/** So many at a time. */
export function* inChunks<T>(all: readonly T[], sizeMax: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += sizeMax) yield all.slice(from, from + sizeMax)
}
