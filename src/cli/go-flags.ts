/** Flags as Go programs take them, rewritten for commander: `-format=json` is `--format=json`, `-sync=true` is `--sync`, `-renewable=false` is `--no-renewable`. What stands
 *  behind `--` is left alone. `switches` are the flags that take no value. */
export function goFlags(argv: readonly string[], switches: ReadonlySet<string>): readonly string[] {
  const end = argv.indexOf('--')
  const flags = end < 0 ? argv : argv.slice(0, end)
  return [...flags.flatMap(word => rewritten(word, switches)), ...(end < 0 ? [] : argv.slice(end))]
}

function rewritten(word: string, switches: ReadonlySet<string>): readonly string[] {
  const match = /^--?([a-z][a-z-]+)(=[^]*)?$/.exec(word)
  if (!match) return [word]
  const [, name = '', value = ''] = match
  if (!switches.has(name) && !switches.has(`no-${name}`)) return [`--${name}${value}`]
  if (value === '=false') return switches.has(`no-${name}`) ? [`--no-${name}`] : []
  if (value === '' || value === '=true') return switches.has(name) ? [`--${name}`] : []
  return [`--${name}${value}`]
}
