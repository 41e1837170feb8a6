import type { Json, JsonObject } from '../contracts/index.ts'

/** What a reply holds at a place, whatever shape it has: a reply is not trusted to have the one that it should. */
export function jsonAt(value: Json | undefined, ...keys: readonly string[]): Json | undefined {
  let at: Json | undefined = value
  for (const key of keys) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined
  return at
}

/** A text there, or none. */
export function textAt(value: Json | undefined, ...keys: readonly string[]): string {
  const at = jsonAt(value, ...keys)
  return typeof at === 'string' ? at : ''
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function objectsAt(value: Json | undefined, ...keys: readonly string[]): readonly JsonObject[] {
  const at = jsonAt(value, ...keys)
  return Array.isArray(at) ? at.filter(isObject) : []
}
