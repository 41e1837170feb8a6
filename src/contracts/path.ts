import { z } from 'zod'
import type { Answer } from './backend.ts'
import type { LeaseId } from './brand.ts'
import type { JsonObject } from './json.ts'
import type { MountStorage } from './storage.ts'

export type Operation = 'read' | 'create' | 'update' | 'delete' | 'list'

/** A request as a backend sees it: authenticated, allowed, routed, its fields parsed. */
export interface PathRequest<Fields = JsonObject> {
  readonly operation: Operation
  /** Below the mount, such as `creds/readonly`. */
  readonly path: string
  /** The named segments of the pattern. */
  readonly params: Readonly<Record<string, string>>
  readonly fields: Fields
  /** The fields that the caller sent, and not as null: an update merges, what is absent stays. */
  readonly given: ReadonlySet<string>
  /** The id under which a lease of this request would be kept. */
  readonly lease: LeaseId
  readonly caller: {
    readonly displayName: string
    readonly accessor: string
    /** '' = none. */
    readonly entity: string
    /** What the login said of it. */
    readonly metadata: Readonly<Record<string, string>>
    /** Accessor of the mount where it logged in; absent: by no login, or by another token's hand. */
    readonly authAccessor?: string
  }
  /** Of this mount now, in seconds: what a lease gets whose role names none, and what none may exceed. */
  readonly ttls: { readonly defaultTtl: number; readonly maxTtl: number }
}

export type Handler<Fields = JsonObject> = (request: PathRequest<Fields>, storage: MountStorage, signal: AbortSignal) => Promise<Answer>

/** One row of a backend's table of paths. */
export interface Path {
  /** Segments below the mount: `roles/:name`; `:name` is one segment, `*rest` the remainder. A list is asked at the pattern without its last segment's
   *  name: `roles` with `list` answers `LIST roles/`. */
  readonly pattern: string
  readonly summary: string
  /** No token is needed. A snapshot test freezes the list of these. */
  readonly open?: true
  /** Of an open path: an answer of it that changes nothing says what anybody may know. Asked without a token it is counted in the trail, not told by itself: nobody fills the trail by
   *  reading, and a fleet that asks every few seconds does not bury what matters. */
  readonly counted?: true
  /** Needs `sudo` in addition to the capability. */
  readonly sudo?: true
  /** Its names mean the same in capitals. A rule of a policy then counts however they are spelled, in it and in the request. */
  readonly caseless?: true
  readonly fields: z.ZodObject
  /** With it, a write to a path that is absent needs `create`, to one that is there `update`; without it a write is an `update`. */
  readonly exists?: (request: PathRequest, storage: MountStorage) => Promise<boolean>
  readonly read?: Handler
  readonly write?: Handler
  readonly delete?: Handler
  readonly list?: Handler
}

export interface PathDefinition<Shape extends z.ZodRawShape> {
  readonly pattern: string
  readonly summary: string
  readonly open?: true
  readonly counted?: true
  readonly sudo?: true
  readonly caseless?: true
  readonly fields?: Shape
  readonly exists?: (request: PathRequest<z.output<z.ZodObject<Shape>>>, storage: MountStorage) => Promise<boolean>
  readonly read?: Handler<z.output<z.ZodObject<Shape>>>
  readonly write?: Handler<z.output<z.ZodObject<Shape>>>
  readonly delete?: Handler<z.output<z.ZodObject<Shape>>>
  readonly list?: Handler<z.output<z.ZodObject<Shape>>>
}

/** Declares a path, its handlers typed by its fields:
 *
 *  ```ts
 *  path({ pattern: 'roles/:name', summary: 'a role', fields: { ttl: field.duration() }, write: async ({ fields }) => … fields.ttl … })
 *  ``` */
export function path<Shape extends z.ZodRawShape>(definition: PathDefinition<Shape>): Path {
  return { ...definition, fields: z.object(definition.fields ?? {}) } as unknown as Path
}
