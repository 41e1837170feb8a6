import type { JsonObject } from './json.ts'

/** Structured logging: an event in words, and its fields. Never a secret; an error's cause belongs here and nowhere else. */
export interface Log {
  info(event: string, fields?: JsonObject): void
  warn(event: string, fields?: JsonObject & { readonly error?: never }, error?: unknown): void
  error(event: string, fields?: JsonObject & { readonly error?: never }, error?: unknown): void
}
