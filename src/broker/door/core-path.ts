import { z } from '../../contracts/index.ts'
import type { JsonObject, LeaseId, Operation } from '../../contracts/index.ts'
import type { Change, Intention } from '../../store/change.ts'
import type { Parts } from '../parts.ts'
import type { Identity, Outcome, WireRequest } from './request.ts'

/** One request below `sys/` or `auth/token/`, authenticated, allowed, its fields parsed. What it changes is collected and committed with its audit entries. */
export interface Call<Fields = JsonObject> {
  readonly parts: Parts
  readonly request: WireRequest
  readonly identity: Identity
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
  readonly fields: Fields
  readonly given: ReadonlySet<string>
  readonly lease: LeaseId
  readonly signal: AbortSignal
  /** Collects. `audit` bodies are chained only when the change changed something. */
  change(intention: Intention, audit?: readonly string[]): void
  readonly changes: readonly Change[]
  /** Runs after the commit, before the reply: reload a copy, wake the sweeper. */
  afterCommit(action: () => Promise<void> | void): void
}

export type CoreHandler<Fields = JsonObject> = (call: Call<Fields>) => Promise<Outcome>

/** As a backend's `Path`, with the whole call in the handler's hand. */
export interface CorePath {
  readonly pattern: string
  readonly summary: string
  readonly open?: true
  readonly sudo?: true
  readonly caseless?: true
  readonly fields: z.ZodObject
  readonly exists?: (call: Call) => Promise<boolean>
  readonly read?: CoreHandler
  readonly write?: CoreHandler
  readonly delete?: CoreHandler
  readonly list?: CoreHandler
}

interface CorePathDefinition<Shape extends z.ZodRawShape> {
  readonly pattern: string
  readonly summary: string
  readonly open?: true
  readonly sudo?: true
  readonly caseless?: true
  readonly fields?: Shape
  readonly exists?: (call: Call<z.output<z.ZodObject<Shape>>>) => Promise<boolean>
  readonly read?: CoreHandler<z.output<z.ZodObject<Shape>>>
  readonly write?: CoreHandler<z.output<z.ZodObject<Shape>>>
  readonly delete?: CoreHandler<z.output<z.ZodObject<Shape>>>
  readonly list?: CoreHandler<z.output<z.ZodObject<Shape>>>
}

export function corePath<Shape extends z.ZodRawShape>(definition: CorePathDefinition<Shape>): CorePath {
  return { ...definition, fields: z.object(definition.fields ?? {}) } as unknown as CorePath
}
