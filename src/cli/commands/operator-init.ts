import type { JsonObject } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { textAt } from '../json-at.ts'
import { showFields } from '../show-fields.ts'
import { UsageError } from '../usage-error.ts'

export const operatorInit: CliCommand = {
  name: 'operator init',
  summary: 'initialise a new store: makes its keys and the first root token',
  options: {
    '--key-shares <n>': 'shares that the unseal key is split into (5)',
    '--key-threshold <n>': 'shares that unseal (3)',
    '--status': 'only ask whether it is initialised: 0 yes, 2 no'
  },
  hasFields: true,
  details:
    'Shares and root token are shown once and kept nowhere. With a key-file seal there are no shares, and the server is unsealed at once.',
  examples: ['mayfly operator init', 'mayfly operator init -key-shares=1 -key-threshold=1 -format=json'],
  run: async invocation => {
    if (invocation.typed.flag('status')) return tellStatus(invocation)
    const shares = count(invocation, 'keyShares', 5)
    const threshold = count(invocation, 'keyThreshold', 3)
    const { data } = await invocation.request('PUT', 'sys/init', { secret_shares: shares, secret_threshold: threshold })
    return showInitialised(invocation, data ?? {}, shares, threshold)
  }
}

async function tellStatus(invocation: Invocation): Promise<number> {
  const { data } = await invocation.request('GET', 'sys/init')
  const initialised = data?.['initialized'] === true
  if (invocation.terminal.format === 'json') invocation.terminal.json({ initialized: initialised })
  else invocation.terminal.say(initialised ? 'initialised' : 'not initialised')
  return initialised ? exitCode.done : exitCode.refused
}

function count({ typed }: Invocation, name: string, otherwise: number): number {
  const said = typed.text(name) ?? String(otherwise)
  if (!/^\d{1,3}$/.test(said)) throw new UsageError(`${name === 'keyShares' ? 'key-shares' : 'key-threshold'}: expected a number`)
  return Number(said)
}

/** In the words, and in JSON under the names, that set-up scripts look for. */
function showInitialised(invocation: Invocation, reply: JsonObject, shares: number, threshold: number): void {
  const { terminal, typed } = invocation
  const keys = texts(reply['keys_base64'])
  const json = {
    unseal_keys_b64: keys,
    unseal_keys_hex: texts(reply['keys']),
    unseal_shares: keys.length === 0 ? 0 : shares,
    unseal_threshold: keys.length === 0 ? 0 : threshold,
    recovery_keys_b64: texts(reply['recovery_keys_base64']),
    recovery_keys_hex: texts(reply['recovery_keys']),
    root_token: textAt(reply, 'root_token')
  }
  if (terminal.format === 'json' || typed.text('field') !== undefined) return showFields(invocation, json, json)
  terminal.say(
    ...keys.map((key, index) => `Unseal Key ${index + 1}: ${key}`),
    ...(keys.length > 0 ? [''] : []),
    `Initial Root Token: ${json.root_token}`,
    '',
    keys.length > 0
      ? `Hand each share to another person: any ${threshold} of ${shares} unseal, fewer never. Next: mayfly operator unseal`
      : 'The server unseals itself. Next: mayfly login'
  )
}

function texts(value: JsonObject[string] | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}
