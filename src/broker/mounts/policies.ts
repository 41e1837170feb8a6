import { BrokerError } from '../../contracts/index.ts'
import type { Json } from '../../contracts/index.ts'
import { compileAcl } from '../../policy/acl.ts'
import type { Acl } from '../../policy/acl.ts'
import { defaultPolicyText, rootPolicy, wrappingPolicy } from '../../policy/built-in.ts'
import { parsePolicy } from '../../policy/parse-policy.ts'
import type { Policy } from '../../policy/rule.ts'
import type { Parts } from '../parts.ts'
import { entryPlace } from './sealed-rows.ts'

// Sets of policies that tokens carry are few; the bound keeps a client that invents names from filling memory.
const compiledMax = 1_000

/** Their names cannot be written. */
const builtIn: ReadonlyMap<string, Policy> = new Map([rootPolicy, wrappingPolicy].map(policy => [policy.name, policy]))

type PolicyParts = Pick<Parts, 'store' | 'barrier' | 'log'>

/** The node's copy of all policies, replaced as a whole when the store's generation says that it is older. */
export class Policies {
  readonly #parts: PolicyParts
  #byName: ReadonlyMap<string, { readonly policy: Policy; readonly text: string }> = new Map()
  #unreadable: ReadonlySet<string> = new Set()
  #compiled = new Map<string, Acl>()
  generation = -1

  constructor(parts: PolicyParts) {
    this.#parts = parts
  }

  async load(): Promise<void> {
    const { generation, entries } = await this.#parts.store.entries('policy')
    const loaded = new Map([['default', { policy: parsePolicy('default', defaultPolicyText), text: defaultPolicyText }]])
    const unreadable = new Set<string>()
    for (const { key, value } of entries) {
      try {
        const text = textOf(this.#parts.barrier.openJson(entryPlace('policy', key), value))
        loaded.set(key, { policy: parsePolicy(key, text), text })
      } catch (error) {
        this.#parts.log.error('a policy cannot be read: tokens that carry it may do nothing', { policy: key }, error)
        unreadable.add(key)
      }
    }
    this.#unreadable = unreadable
    this.#byName = loaded
    this.#compiled = new Map()
    this.generation = generation
  }

  /** What these policies allow together. A name without a policy allows nothing until there is one. */
  acl(names: readonly string[]): Acl {
    const key = names.join('\n')
    const known = this.#compiled.get(key)
    if (known) return known
    // What it would have denied is not known: it denies everything, and revoking goes on.
    const readable = names.some(name => this.#unreadable.has(name)) ? [] : names
    const acl = compileAcl(readable.flatMap(name => builtIn.get(name) ?? this.#byName.get(name)?.policy ?? []))
    if (this.#compiled.size >= compiledMax) this.#compiled.clear()
    this.#compiled.set(key, acl)
    return acl
  }

  text(name: string): string | undefined {
    return this.#byName.get(name)?.text
  }

  /** Sorted, `root` included. */
  get names(): readonly string[] {
    return [...this.#byName.keys(), 'root'].toSorted()
  }

  has(name: string): boolean {
    return name === 'root' || this.#byName.has(name)
  }
}

function textOf(value: Json): string {
  if (typeof value !== 'string') throw new BrokerError('integrity', 'a stored policy is no text')
  return value
}
