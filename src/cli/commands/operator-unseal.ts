import type { JsonObject } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import { showSealStatus } from '../show-seal-status.ts'
import { UsageError } from '../usage-error.ts'

export const operatorUnseal: CliCommand = {
  name: 'operator unseal',
  summary: 'hand in one share of the unseal key',
  takes: { '[share]': 'the share; without it you are asked, or it is read from standard input' },
  options: { '--reset': 'forget the shares that were handed in' },
  hasFields: true,
  examples: ['mayfly operator unseal', 'mayfly operator unseal - < share.txt', 'mayfly operator unseal -reset'],
  run: async invocation => {
    const { data } = await invocation.request('PUT', 'sys/unseal', await asked(invocation))
    showSealStatus(invocation, data ?? {})
  }
}

async function asked({ typed, input, terminal }: Invocation): Promise<JsonObject> {
  if (typed.flag('reset')) return { reset: true }
  const said = typed.args[0] ?? '-'
  if (said !== '-') terminal.warn('a share on the command line stays in the history of your shell, and other processes can read it')
  const key = said === '-' ? await input.secret('Unseal Key') : said
  if (key === '') throw new UsageError('share: is empty')
  return { key }
}
