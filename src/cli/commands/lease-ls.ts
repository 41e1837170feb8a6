import { NothingThere } from '../../client/client-error.ts'
import type { Json, JsonObject } from '../../contracts/index.ts'
import { plain } from '../cell.ts'
import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import { isObject, jsonAt, objectsAt } from '../json-at.ts'
import { showKeys } from '../show-keys.ts'
import { showTable, wideOption } from '../show-table.ts'
import { timeLeft } from '../time-left.ts'
import { UsageError } from '../usage-error.ts'

export const leaseLs: CliCommand = {
  name: 'lease ls',
  aliases: ['list'],
  summary: 'show who holds what; with a prefix, the leases below it',
  takes: { '[prefix]': 'such as database/creds/readonly' },
  options: {
    '--holder <name>': 'only what this display name holds',
    '--mount <path>': 'only leases of this mount',
    '--role <role>': 'only leases of this role',
    '--ended': 'what was held, too: leases that are over',
    '--limit <n>': 'at most so many (1000)',
    ...wideOption
  },
  examples: ['mayfly lease ls', 'mayfly lease ls -holder=token-ci -format=json', 'mayfly lease ls database/creds/readonly'],
  run: async invocation => {
    const [prefix] = invocation.typed.args
    if (prefix === undefined) showHoldings(invocation, await holdings(invocation))
    else await showBelow(invocation, prefix)
  }
}

async function showBelow(invocation: Invocation, prefix: string): Promise<void> {
  try {
    showKeys(invocation, await invocation.request('LIST', `sys/leases/lookup/${prefix}`))
  } catch (error) {
    if (!(error instanceof NothingThere)) throw error
    if (invocation.terminal.format === 'json') invocation.terminal.json([])
    else invocation.terminal.say(`no leases below ${prefix}`)
  }
}

async function holdings(invocation: Invocation): Promise<readonly JsonObject[]> {
  const limit = limitOf(invocation)
  const found: JsonObject[] = []
  let after: Json = ''
  do {
    const { data } = await invocation.request('GET', 'sys/holdings', { ...filters(invocation), after, limit: limit - found.length })
    found.push(...objectsAt(data, 'holdings'))
    after = jsonAt(data, 'next') ?? null
  } while (typeof after === 'string' && found.length < limit)
  if (typeof after === 'string') invocation.terminal.note(`these are the first ${found.length}: --limit shows more`)
  return found
}

function limitOf({ typed }: Invocation): number {
  const said = typed.text('limit') ?? '1000'
  if (!/^[1-9]\d{0,6}$/.test(said)) throw new UsageError('limit: expected a number above 0')
  return Number(said)
}

function filters({ typed }: Invocation): JsonObject {
  // A variable of a script that is not set would list what everybody holds.
  const empty = ['holder', 'mount', 'role'].find(name => typed.text(name) === '')
  if (empty !== undefined) throw new UsageError(`${empty}: is empty`)
  const said = {
    display_name: typed.text('holder'),
    mount: typed.text('mount'),
    role: typed.text('role'),
    ended: typed.flag('ended') ? 'true' : undefined
  }
  return Object.fromEntries(Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function showHoldings(invocation: Invocation, found: readonly JsonObject[]): void {
  const { terminal, typed } = invocation
  if (terminal.format === 'json') return terminal.json(found)
  if (found.length === 0) return terminal.say('nobody holds anything')
  const head = ['Holder', 'Holds', 'Until', 'State', 'From', 'Lease']
  const errorCharsMax = terminal.columns === undefined || typed.flag('wide') ? Infinity : errorCharsShown
  return showTable(
    invocation,
    head,
    found.map(lease => row(lease, errorCharsMax)),
    ['Lease', 'Holds']
  )
}

function row(lease: JsonObject, errorCharsMax: number): readonly string[] {
  const { visible, ttl, display_name: holder, remote_address: from, id } = lease
  return [
    plain(holder),
    plain(isObject(visible) ? holds(visible) : visible),
    until(lease, ttl),
    state(lease, errorCharsMax),
    plain(from),
    plain(id)
  ]
}

/** A user name says what it is; of several words each needs its own. */
function holds(visible: JsonObject): Json {
  const entries = Object.entries(visible)
  return entries.length === 1 ? Object.values(visible) : entries.map(([name, value]) => `${name} ${plain(value)}`)
}

function until({ ended_time: ended }: JsonObject, ttl: Json | undefined): string {
  if (typeof ended === 'string') return `ended ${ended.replace(/\.\d+Z$/, 'Z')}`
  return typeof ttl === 'number' ? timeLeft(ttl) : '-'
}

// On a terminal; the whole is in `lease show`.
const errorCharsShown = 96

function state({ state, revoke_error: error, waits_for: waits }: JsonObject, errorCharsMax: number): string {
  const why = error ?? waits
  return typeof why === 'string' && why !== '' ? `${plain(state)}: ${shortened(why, errorCharsMax)}` : plain(state)
}

function shortened(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text
}
