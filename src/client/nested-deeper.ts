import type { Json } from '../contracts/json.ts'

/** Level by level and without recursion, so that the depth which it looks for cannot overflow it. */
export function nestedDeeper(value: Json, levelsMax: number): boolean {
  let level: readonly Json[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levelsMax) return true
    level = level.flatMap(one => (typeof one === 'object' && one !== null ? (Object.values(one) as readonly Json[]) : []))
  }
  return false
}
