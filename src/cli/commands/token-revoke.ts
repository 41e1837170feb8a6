import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import { UsageError } from '../usage-error.ts'
import { whichToken, whichTokenOptions, whichTokenTakes } from '../which-token.ts'

export const tokenRevoke: CliCommand = {
  name: 'token revoke',
  summary: 'end a token, all tokens below it, and all their leases',
  takes: whichTokenTakes,
  options: {
    ...whichTokenOptions,
    '--self': 'your own token',
    '--mode <mode>': 'orphan: the tokens below it live on (needs sudo)'
  },
  examples: ['mayfly token revoke -accessor=8hVxZ0F8pUXXqCcXoMUXkRpL', 'mayfly token revoke -self'],
  run: async invocation => {
    const { suffix, fields } = await whichToken(invocation)
    const { warnings } = await invocation.request('POST', route(invocation, suffix), fields)
    // Of a token that is shown to it the server does not say whether it was one.
    if (suffix === '-accessor' && warnings?.length) invocation.terminal.say('nothing to revoke')
    else invocation.terminal.say(`revoked${suffix === '' ? ', if it was there' : ''}; its leases are being ended`)
  }
}

/** The user's own token is never the default of a revocation. */
function route({ typed }: Invocation, suffix: string): string {
  const mode = typed.text('mode')
  if (mode !== undefined && mode !== 'orphan') throw new UsageError('mode: expected orphan')
  if ((suffix === '-self') !== typed.flag('self')) throw new UsageError('name one of: a token, --accessor, --self')
  if (mode === undefined) return `auth/token/revoke${suffix}`
  if (suffix !== '') throw new UsageError('mode: orphan takes a token, no accessor')
  return 'auth/token/revoke-orphan'
}
