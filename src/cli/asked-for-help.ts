import type { Command } from 'commander'
import { afterOptions } from './passed-on.ts'

/** `help lease ls` is `lease ls --help`. Commander answers it with the help of `lease`, and `help nothing` and `nothing --help` with that of what is above, as if all were well. */
export function askedForHelp(root: Command, words: readonly string[], options: ReadonlyMap<string, boolean>): readonly string[] {
  const first = afterOptions(words, 0, options)
  if (words[first] === 'help' && words[first + 1] !== undefined) {
    const names = words.slice(first + 1).filter(word => !word.startsWith('-'))
    return [...words.slice(0, first), ...known(root, names, false), '--help']
  }
  if (words.some(word => /^--?h(elp)?$/.test(word))) known(root, words.slice(first), true)
  return words
}

/** The words that name a command; an error where they name none. What a command takes is no concern of `--help` behind it. */
function known(at: Command, [word, ...rest]: readonly string[], argumentsToo: boolean): readonly string[] {
  if (word === undefined || (argumentsToo && (word === 'help' || word.startsWith('-') || at.registeredArguments.length > 0))) return []
  const below = at.commands.find(command => command.name() === word || command.aliases().includes(word))
  if (below) return [word, ...known(below, rest, argumentsToo)]
  return argumentsToo && at.commands.length === 0 ? [] : at.error(`error: unknown command '${word}'`)
}
