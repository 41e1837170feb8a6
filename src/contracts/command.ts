/** What a plugin adds to the command line. Two kinds: a program that people know, with a credential that ends with it (`mayfly psql`), and a command that asks the broker,
 *  does its work here and prints (`mayfly ssh enroll`). */
import type { JsonObject } from './json.ts'

export type PluginCommand = ProgramCommand | AskingCommand

interface CommandWords {
  /** With its group, where it has one: `ssh`, `ssh enroll`. A group may be a command itself: `mayfly ssh user@host` beside `mayfly ssh enroll`. */
  readonly name: string
  readonly summary: string
  /** `<needed>`, `[optional]`, `[more...]`, each with its explanation. */
  readonly takes?: Readonly<Record<string, string>>
  /** `--mount <path>`, each with its explanation; one with `...` may come again. Where to find the broker and how to log in there is for every command the same. */
  readonly options?: Readonly<Record<string, string>>
  readonly details?: string
  readonly examples: readonly [string, ...string[]]
  /** From the first word that is none of the command's own options on, everything is an argument, as typed: what another program's own options are. */
  readonly passesOn?: true
}

export interface ProgramCommand extends CommandWords {
  /** Nothing is issued before this has answered. What the user has to mend is a `BrokerError` of `invalid_request`. */
  plan(call: CommandCall): Promise<ProgramPlan>
}

export interface AskingCommand extends CommandWords {
  /** The exit code; 0 without one: 1 is for what went wrong on this side, 2 for what the server refused. What rejects is told as for every other command: what the user has
   *  to mend is a `BrokerError` of `invalid_request`. */
  run(call: AskingCall): Promise<number | void>
}

/** What was typed, and whom it may ask. */
export interface CommandCall {
  readonly args: readonly string[]
  /** By its name in camel case. */
  option(name: string): string | undefined
  /** Whether an option that takes no value was given. */
  flag(name: string): boolean
  /** All values of an option that may come again. */
  list(name: string): readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** `undefined`: nothing is there, or the user may not read it. */
  read(path: string): Promise<JsonObject | undefined>
}

export interface AskingCall extends CommandCall {
  readonly homeDir: string
  /** `env` without what leads to the user's token: for programs that have no business with it, and may hand all that they have to another machine. */
  readonly programEnv: Readonly<Record<string, string>>
  readonly broker: {
    /** Without a slash at its end. */
    readonly address: string
    /** PEM: the only authorities that are trusted; absent: those of the system. */
    readonly ca?: string
    /** A hash of the user's token: what tells users apart in a cache. `undefined`: there is none. */
    identity(): Promise<string | undefined>
  }
  readonly screen: CommandScreen
  /** One request with the user's token, or with another; an empty one sends none. `undefined`: nothing is there. Whatever else is refused rejects, with the server's words
   *  and its `status`. Warnings are shown, unless `quiet`. */
  request(
    method: 'GET' | 'LIST' | 'POST' | 'DELETE',
    path: string,
    fields?: JsonObject,
    options?: { readonly token?: string; readonly wrapTtl?: string; readonly quiet?: true }
  ): Promise<BrokerReply | undefined>
  /** Runs a program with a credential that ends with it, as a `ProgramCommand` does; its exit code. What fails on the way is told already. */
  runProgram(plan: ProgramPlan): Promise<number>
  /** A secret that is asked for at the terminal without an echo, or is the one line of standard input. */
  secret(what: string): Promise<string>
}

export interface BrokerReply {
  readonly data: JsonObject
  readonly leaseId: string
  readonly leaseSeconds: number
  readonly renewable: boolean
  /** What a wrapped reply is: `token`, `ttl`, … */
  readonly wrapInfo?: JsonObject
}

/** Results go to standard output, everything else to standard error. In `json` standard output holds one value or nothing. */
export interface CommandScreen {
  readonly format: 'table' | 'json'
  /** For people; nothing in `json`. Control characters are escaped. */
  say(...lines: readonly string[]): void
  /** For people; nothing in `json`. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void
  /** For programs; nothing in `table`. */
  json(value: unknown): void
  /** As it is, in every format: a script, a file, what another program reads. */
  text(text: string): void
  /** A line on standard error. */
  note(line: string): void
  warn(text: string): void
}

export interface ProgramPlan {
  /** A name as in a shell. It is looked for before anything is issued. */
  readonly program: string
  /** Where they name a file: of the folder that holds the `files`. */
  readonly args: readonly string[] | ((folder: string) => readonly string[])
  /** What issues the credential: `database/creds/readonly`. */
  readonly lease: string
  /** What is sent with the question, where a backend takes it: `{ ttl: '15m' }`. */
  readonly fields?: JsonObject
  /** Variables of the program, beside the user's own; `undefined` takes one away. `folder` holds the `files`. */
  environment(credential: JsonObject, folder: string): Readonly<Record<string, string | undefined>>
  /** Files by name, in a folder that only the user may enter and that is gone with the program. */
  files?(credential: JsonObject): Readonly<Record<string, string>>
}
