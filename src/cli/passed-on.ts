/** What a command passes on to another program is set apart by `--`, so that nothing of it is read as an option of ours: `ssh --role dev -p 2222 host` becomes
 *  `ssh --role dev -- -p 2222 host`. */
export interface PassingCommand {
  readonly name: string
  /** Long names of options, the global ones included; whether each takes a value. */
  readonly options: ReadonlyMap<string, boolean>
  /** Its subcommands: behind one of them nothing is passed on. */
  readonly below: ReadonlySet<string>
}

export function partPassedOn(argv: readonly string[], commands: readonly PassingCommand[]): readonly string[] {
  for (const command of commands) {
    const at = afterOptions(argv, 0, command.options)
    if (argv[at] !== command.name) continue
    const from = afterOptions(argv, at + 1, command.options)
    const first = argv[from]
    if (first === undefined || first === '--' || command.below.has(first)) return argv
    return [...argv.slice(0, from), '--', ...argv.slice(from)]
  }
  return argv
}

/** Where the first word stands that is neither an option of these nor the value of one. */
export function afterOptions(argv: readonly string[], start: number, options: ReadonlyMap<string, boolean>): number {
  let at = start
  for (;;) {
    const [, name = '', value] = /^--?([a-z][a-z-]*)(=[^]*)?$/.exec(argv[at] ?? '') ?? []
    const takesValue = options.get(name)
    if (takesValue === undefined) return at
    at += takesValue && value === undefined ? 2 : 1
  }
}
