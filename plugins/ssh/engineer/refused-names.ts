import type { Access } from './access.ts'
import { configNames } from './config-names.ts'
import { destinationOf } from './destination.ts'
import { isRefusal, matcherOf } from './host-patterns.ts'

/** A name that the user's own configuration has, and where ssh goes with it. */
interface Alias {
  readonly name: string
  /** As it is connected to, and as its key is looked for. */
  readonly hosts: readonly string[]
  readonly port: number
}

/** Whether a name is refused by a pattern with `!`, or is another name of a host that is: in the user's own configuration, or at the broker. ssh looks at what was typed alone; whoever refuses `db.x` means the machine. */
export class RefusedNames {
  /** Beyond what the patterns say by themselves. */
  readonly others: readonly string[]
  readonly #matches: (name: string) => boolean
  readonly #all: ReadonlySet<string>

  constructor(config: string, patterns: readonly string[], access: readonly Access[], env: Readonly<Record<string, string | undefined>>) {
    const refusals = patterns.filter(isRefusal).map(pattern => pattern.slice(1))
    this.#matches = matcherOf(refusals)
    // Each look costs a start of ssh.
    this.#all = refusals.length === 0 ? new Set() : spread(this.#matches, aliasesIn(config, env), namesAtBroker(access))
    this.others = [...this.#all].filter(name => !this.#matches(name))
  }

  has = (name: string): boolean => this.#matches(name) || this.#all.has(name.toLowerCase())
}

/** From each refused name to all others of its host, until there are no more. */
function spread(
  matches: (name: string) => boolean,
  aliases: readonly Alias[],
  atBroker: readonly (readonly string[])[]
): ReadonlySet<string> {
  const refused = new Set([...aliases.flatMap(({ name, hosts }) => [name, ...hosts]), ...atBroker.flat()].filter(matches))
  // Behind an address there may be many machines, told apart by the port: of one that is refused the others are not.
  const behind = new Set<string>()
  const places = new Set<string>()
  const isRefused = ({ name, hosts, port }: Alias) =>
    refused.has(name) || hosts.some(host => refused.has(host) || places.has(`${host} ${port}`))
  for (let before = -1; before < refused.size + places.size;) {
    before = refused.size + places.size
    for (const names of atBroker.filter(some => some.some(name => refused.has(name) || behind.has(name))))
      for (const name of names) if (!behind.has(name)) refused.add(name)
    for (const alias of aliases.filter(isRefused)) {
      refused.add(alias.name)
      for (const host of alias.hosts) {
        behind.add(host)
        places.add(`${host} ${alias.port}`)
      }
    }
  }
  return new Set([...refused, ...behind])
}

function aliasesIn(config: string, env: Readonly<Record<string, string | undefined>>): readonly Alias[] {
  return configNames(config).flatMap(name => {
    try {
      const { host, hostname, port } = destinationOf([name], env)
      return [{ name: name.toLowerCase(), hosts: [...new Set([host, hostname.toLowerCase()])], port }]
    } catch {
      // What ssh cannot read is no alias.
      return []
    }
  })
}

function namesAtBroker(access: readonly Access[]): readonly (readonly string[])[] {
  return access.flatMap(({ hosts }) => hosts.map(({ host, names }) => [host, ...names]))
}
