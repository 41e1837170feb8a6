import type { Invocation } from './invocation.ts'

/** One command: what it takes, how it is explained, what it does. */
export interface CliCommand {
  /** With its group: `token create`. */
  readonly name: string
  readonly aliases?: readonly string[]
  readonly summary: string
  /** `<needed>`, `[optional]`, `[more...]`, each with its explanation. */
  readonly takes?: Readonly<Record<string, string>>
  /** `--ttl <time>`, each with its explanation. One with `...` may come again. */
  readonly options?: Readonly<Record<string, string>>
  /** Shows a reply of which `--field` may pick one value. */
  readonly hasFields?: true
  /** From the first word that is none of its own options on, everything is an argument, as typed. */
  readonly passesOn?: true
  /** What the summary cannot say. */
  readonly details?: string
  readonly examples: readonly [string, ...string[]]
  /** The exit code; 0 without one. Rejects with a `UsageError`, or with what the client rejects with. */
  run(invocation: Invocation): Promise<number | void>
}
