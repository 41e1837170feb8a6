import { LeaseLost } from '../../client/index.ts'
import type { Trouble } from '../../client/index.ts'
import { tellError } from '../tell-error.ts'

/** What went wrong with a credential in use, until when it still works, and who goes on with it. */
export function troubleText(path: string, { what, error, endsAt }: Trouble): string {
  const why = tellError(error, 'this run').text
  if (error instanceof LeaseLost) return `the credential of ${path} was ended: ${why}`
  const end = endsAt.toISOString()
  const until = endsAt.getTime() > Date.now() ? `it works until ${end}` : 'it has ended'
  return {
    renew: `the credential of ${path} is not renewed: ${why}; ${until}, and this is tried again`,
    replace: `the credential of ${path} is not replaced: ${why}; ${until}, and this is tried again`,
    'hand over': `the next credential of ${path} was not handed over: ${why}; the one before works until ${end}`,
    revoke: `the credential of ${path} may not be revoked: ${why}; it ends by itself at ${end}`
  }[what]
}
