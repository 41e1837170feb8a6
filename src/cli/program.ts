/** The command line: from words to one command, to an exit code. */
import { Command, CommanderError, Option } from 'commander'
import type { PluginCommand } from '../contracts/index.ts'
import { askedForHelp } from './asked-for-help.ts'
import type { CliCommand } from './cli-command.ts'
import { commandList, groups } from './command-list.ts'
import { askingCommand } from './commands/ask-plugin.ts'
import { programCommand } from './commands/run-plugin.ts'
import { completionCommand } from './commands/completion.ts'
import type { Restore } from './commands/operator-restore.ts'
import { restoreCommand } from './commands/operator-restore.ts'
import type { ServerOptions } from './commands/server.ts'
import { serverCommand } from './commands/server.ts'
import { versionCommand } from './commands/version.ts'
import { exitCode, exitCodeHelp } from './exit-code.ts'
import { escapeButLines } from './escape-control.ts'
import { goFlags } from './go-flags.ts'
import { Invocation } from './invocation.ts'
import type { Io } from './io.ts'
import { afterOptions, partPassedOn } from './passed-on.ts'
import type { PassingCommand } from './passed-on.ts'
import { settingsHelp } from './settings.ts'
import { tellError } from './tell-error.ts'
import { Terminal } from './terminal.ts'
import { Typed } from './typed.ts'
import { told, watchOutput } from './watch-output.ts'

export interface Commands {
  /** Serves until it is told to end; the exit code. */
  readonly server: (options: ServerOptions) => Promise<number>
  /** A backup becomes a store again; what its header says. */
  readonly restore: Restore
  readonly version: string
  /** Of plugins. Asked only when the first word may be theirs: their files make a start longer by an eighth. */
  readonly plugins?: () => Promise<readonly PluginCommand[]>
}

export function program(commands: Commands, io: Io): { run(argv: readonly string[]): Promise<number> } {
  const lost = watchOutput(io)
  return {
    async run(argv) {
      let code: number = exitCode.done
      const all = await commandsFor(argv, commands)
      const root = rootCommand(commands.version, io)
      for (const command of all) register(root, command, async typed => void (code = await perform(command, typed, io)))
      try {
        const words = goFlags(
          partPassedOn(askedForHelp(root, argv, new Map(root.options.map(optionTakesValue))), passing(root, all)),
          switchesOf(root)
        )
        await root.parseAsync(words, { from: 'user' })
        return await told(code, lost, io)
      } catch (error) {
        if (error instanceof CommanderError) return told(error.exitCode === 0 ? exitCode.done : exitCode.thisSide, lost, io)
        throw error
      }
    }
  }
}

async function commandsFor(argv: readonly string[], { server, restore, version, plugins }: Commands): Promise<readonly CliCommand[]> {
  const first = [serverCommand(server), ...commandList, restoreCommand(restore)]
  const last = versionCommand(version)
  const ofPlugins = isOurs(argv, [...first, last]) ? [] : ((await plugins?.()) ?? [])
  const working = [...first, ...ofPlugins.map(plugin => ('plan' in plugin ? programCommand(plugin) : askingCommand(plugin))), last]
  return [...working, completionCommand(working)]
}

/** Whether the first word is a command or a group of our own. Help and completion tell of all. */
function isOurs(argv: readonly string[], own: readonly CliCommand[]): boolean {
  const word = argv[afterOptions(argv, 0, new Map(globalOptions().map(optionTakesValue)))]
  return own.some(({ name }) => name.split(' ')[0] === word)
}

async function perform(command: CliCommand, typed: Typed, io: Io): Promise<number> {
  let tokenFrom: string | undefined
  try {
    using invocation = new Invocation(io, typed)
    try {
      return (await command.run(invocation)) ?? exitCode.done
    } finally {
      tokenFrom = invocation.tokenFrom
    }
  } catch (error) {
    const { text, code } = tellError(error, tokenFrom)
    new Terminal(io, 'table').error(text)
    // Of `status` scripts read 2 as sealed, and nothing else.
    return command.name === 'status' ? exitCode.thisSide : code
  }
}

// The same wherever it is printed.
const helpWidth = 110

function rootCommand(version: string, io: Io): Command {
  const root: Command = new Command('mayfly')
    .description('Credentials that expire by themselves, and who held what.')
    .version(`mayfly ${version}`, '-v, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    // Those of a group, such as `ssh`, are its own and not of the commands below it.
    .configureHelp({ showGlobalOptions: true, visibleGlobalOptions: command => (command.parent === null ? [] : [...root.options]) })
    .configureOutput({
      writeOut: text => io.stdout.write(text),
      writeErr: text => io.stderr.write(text),
      outputError: (text, write) => write(safeUsage(text)),
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
      getOutHasColors: () => false,
      getErrHasColors: () => false
    })
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText(
      'after',
      `\nOptions may be written with one dash or two: -format=json, --format json.\n\n${settingsHelp}\n\n${exitCodeHelp}`
    )
  for (const option of globalOptions()) root.addOption(option)
  return root
}

function globalOptions(): readonly Option[] {
  return [
    new Option('--address <url>', 'the server'),
    new Option('--ca-cert <file>', 'the authorities to trust, PEM'),
    new Option('--client-cert <file>', 'what to show of yourself, PEM'),
    new Option('--client-key <file>', 'its key, PEM'),
    new Option('--token-file <file>', 'a file with the token; - for standard input'),
    new Option('--format <format>', 'table, json or yaml')
  ]
}

/** Declares a command, below its group where it has one. */
function register(root: Command, command: CliCommand, act: (typed: Typed) => Promise<void>): void {
  const words = command.name.split(' ')
  const name = words.pop() ?? ''
  const parent = words[0] === undefined ? root : groupOf(root, words[0])
  const declared = (parent.commands.find(known => known.name() === name) ?? parent.command(name))
    .description(command.summary)
    .aliases([...(command.aliases ?? [])])
  for (const [argument, text] of Object.entries(command.takes ?? {})) declared.argument(argument, text)
  for (const [flags, text] of Object.entries(command.options ?? {})) declared.addOption(optionOf(flags, text))
  if (command.hasFields) declared.option('--field <name>', 'show this one value')
  declared.addHelpText('after', helpEnd(command))
  declared.action(() => act(new Typed(declared.args, declared.optsWithGlobals())))
}

function groupOf(root: Command, name: string): Command {
  return root.commands.find(command => command.name() === name) ?? root.command(name).description(groups[name] ?? '')
}

/** One that may come again collects, and takes one value each time. */
function optionOf(flags: string, text: string): Option {
  if (!flags.includes('...')) return new Option(flags, text)
  return new Option(flags.replace('...', ''), `${text}; may come again`).argParser(
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value]
  )
}

function helpEnd({ details, examples }: CliCommand): string {
  return `${details === undefined ? '' : `\n${details}\n`}\nExamples:\n${examples.map(example => `  ${example}`).join('\n')}`
}

function passing(root: Command, all: readonly CliCommand[]): readonly PassingCommand[] {
  return all
    .filter(({ passesOn }) => passesOn)
    .flatMap(({ name }) => root.commands.filter(declared => declared.name() === name))
    .map(declared => ({
      name: declared.name(),
      options: new Map([['help', false], ['h', false], ...[...root.options, ...declared.options].map(optionTakesValue)]),
      below: new Set(declared.commands.map(below => below.name()))
    }))
}

function optionTakesValue({ long, required, optional }: Option): readonly [string, boolean] {
  return [(long ?? '').slice(2), required || optional]
}

function switchesOf(command: Command): ReadonlySet<string> {
  const own = command.options.filter(option => !option.required && !option.optional).map(option => (option.long ?? '').replace(/^--/, ''))
  return new Set([...own, 'help', ...command.commands.flatMap(below => [...switchesOf(below)])])
}

/** Commander repeats what was typed, which may be a token that slipped into the wrong place, or hold control characters. */
function safeUsage(text: string): string {
  const hidden = text.replace(/unknown (option|command) '([^]*?)'/, (_, kind: string, word: string) => {
    const name = word.replace(/=[^]*/, '')
    return /^-{0,2}[a-z][a-z-]{0,30}$/.test(name) ? `unknown ${kind} '${name}'` : `unknown ${kind}`
  })
  const token = /'--token'/.test(hidden)
    ? 'a token is not taken from the command line, where every process can read it: MAYFLY_TOKEN or --token-file\n'
    : ''
  return escapeButLines(hidden) + token
}
