/** What crosses a thread: the same shapes with instants as milliseconds, because structured clone cannot carry Temporal. */
export type Wire<T> = T extends Temporal.Instant
  ? number
  : T extends string | number | boolean | null | undefined | Uint8Array
    ? T
    : T extends readonly (infer E)[]
      ? readonly Wire<E>[]
      : T extends object
        ? { readonly [K in keyof T]: Wire<T[K]> }
        : never

export function toWire<T>(value: T): Wire<T> {
  return convert(value) as Wire<T>
}

function convert(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (value instanceof Temporal.Instant) return value.epochMilliseconds
  if (Array.isArray(value)) return value.map(convert)
  const result: Record<string, unknown> = {}
  for (const key in value) result[key] = convert((value as Record<string, unknown>)[key])
  return result
}

export function instant(milliseconds: number): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(milliseconds)
}

export function instantOrNull(milliseconds: number | null): Temporal.Instant | null {
  return milliseconds === null ? null : instant(milliseconds)
}
