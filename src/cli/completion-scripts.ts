/** Completion without asking anybody: the words are those of the command list. Behind them come file names. */
import type { CliCommand } from './cli-command.ts'

const withValue = ['--address', '--ca-cert', '--client-cert', '--client-key', '--token-file', '--format']
const globalOptions = [...withValue, '--help']

/** `lease` -> `ls`, `show`, …; `` -> the first words. */
function wordsBelow(commands: readonly CliCommand[]): ReadonlyMap<string, readonly string[]> {
  const below = new Map<string, Set<string>>()
  for (const { name, aliases = [] } of commands) {
    const [first = '', second] = name.split(' ')
    below.getOrInsertComputed('', () => new Set()).add(first)
    if (second === undefined) for (const alias of aliases) below.get('')!.add(alias)
    else for (const word of [second, ...aliases]) below.getOrInsertComputed(first, () => new Set()).add(word)
  }
  return new Map([...below].map(([key, words]) => [key, [...words]]))
}

function optionsOf({ options = {}, hasFields }: CliCommand): readonly string[] {
  const own = Object.keys(options).flatMap(flags => flags.match(/--[a-z-]+/)?.[0] ?? [])
  return [...own, ...(hasFields ? ['--field'] : []), ...globalOptions]
}

export function bashCompletion(commands: readonly CliCommand[]): string {
  const below = wordsBelow(commands)
  const groups = [...below].filter(([group]) => group !== '')
  return `_mayfly() {
  local cur=\${COMP_WORDS[COMP_CWORD]} words=() word before=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == = ]] && continue
    case "$before" in ${withValue.map(option => `${option}|${option.slice(1)}`).join('|')}) before= ; continue ;; esac
    [[ $word == -* ]] || words+=("$word")
    before=$word
  done
  COMPREPLY=()
  if [[ $cur == -* ]]; then
    case "\${words[*]:0:2}" in
${commands.map(command => `      ${patternOf(command.name)}) COMPREPLY=($(compgen -W "${optionsOf(command).join(' ')}" -- "$cur")) ;;`).join('\n')}
      *) COMPREPLY=($(compgen -W "${globalOptions.join(' ')}" -- "$cur")) ;;
    esac
    return
  fi
  case "\${#words[@]}:\${words[0]}" in
    0:*|1:help) COMPREPLY=($(compgen -W "${(below.get('') ?? []).join(' ')}" -- "$cur")) ;;
${groups.map(([group, words]) => `    1:${group}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$cur")) ;;`).join('\n')}
    *) COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -o filenames -F _mayfly mayfly
`
}

const patternOf = (name: string): string => (name.includes(' ') ? `"${name}"` : `"${name}"|"${name} "*`)

/** zsh reads what bash reads, once it is told to: `source <(mayfly completion zsh)`. */
export function zshCompletion(commands: readonly CliCommand[]): string {
  return `autoload -U +X bashcompinit && bashcompinit
${bashCompletion(commands)}`
}

export function fishCompletion(commands: readonly CliCommand[]): string {
  const first = commands.map(({ name }) => name.split(' ')[0] ?? '')
  const lines = commands.flatMap(command => {
    const [group = '', word] = command.name.split(' ')
    const about = quoted(command.summary)
    const here =
      word === undefined
        ? `__fish_seen_subcommand_from ${group}`
        : `__fish_seen_subcommand_from ${group}; and __fish_seen_subcommand_from ${word}`
    return [
      word === undefined
        ? `complete -c mayfly -n __fish_use_subcommand -f -a ${group} -d ${about}`
        : `complete -c mayfly -n '__fish_seen_subcommand_from ${group}' -f -a ${word} -d ${about}`,
      ...optionsOf(command).map(option => `complete -c mayfly -n '${here}' -l ${option.slice(2)}`)
    ]
  })
  const groups = [...new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0]!))]
  return `${[...groups.filter(group => first.includes(group)).map(group => `complete -c mayfly -n __fish_use_subcommand -f -a ${group}`), ...lines].join('\n')}\n`
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
