/** A command that a plugin adds to the command line, such as `mayfly psql`: a program that people know, with a credential that ends with it. */
import type { JsonObject } from './json.ts'

export interface PluginCommand {
  readonly name: string
  readonly summary: string
  /** `<needed>`, `[optional]`, `[more...]`, each with its explanation. */
  readonly takes?: Readonly<Record<string, string>>
  /** `--mount <path>`, each with its explanation; one with `...` may come again. Where to find the broker and how to log in there is for every command the same. */
  readonly options?: Readonly<Record<string, string>>
  readonly details?: string
  readonly examples: readonly [string, ...string[]]
  /** Nothing is issued before this has answered. What the user has to mend is a `BrokerError` of `invalid_request`. */
  plan(call: CommandCall): Promise<ProgramPlan>
}

/** What was typed, and whom it may ask. */
export interface CommandCall {
  readonly args: readonly string[]
  /** By its name in camel case. */
  option(name: string): string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** `undefined`: nothing is there, or the user may not read it. */
  read(path: string): Promise<JsonObject | undefined>
}

export interface ProgramPlan {
  /** A name as in a shell. It is looked for before anything is issued. */
  readonly program: string
  readonly args: readonly string[]
  /** What issues the credential: `database/creds/readonly`. */
  readonly lease: string
  /** Variables of the program, beside the user's own; `undefined` takes one away. `folder` holds the `files`. */
  environment(credential: JsonObject, folder: string): Readonly<Record<string, string | undefined>>
  /** Files by name, in a folder that only the user may enter and that is gone with the program. */
  files?(credential: JsonObject): Readonly<Record<string, string>>
}
