import { BrokerError } from '../contracts/index.ts'
import type { TokenMaker, TokenRequest } from './token-request.ts'

// Far above what clients send, so that a token's row and each audit entry that repeats it stay small.
const metaEntriesMax = 64
const metaKeyCharsMax = 128
const metaValueCharsMax = 512
const displayNameCharsMax = 128
const usesMax = 2_147_483_647

const ownChoice = /^[A-Za-z0-9_-]{1,128}$/

/** Who may ask for what, each refusal in the words that clients show. What depends on policies and lifetimes is refused where these are worked out. */
export function refuseToken(request: TokenRequest, maker: TokenMaker): void {
  refuseMaker(maker)
  refuseType(request)
  refusePrivileged(request, maker)
  refuseSizes(request)
}

/** A use limit would be worth nothing if one use could make a token without it. The token of a last use has ended and reads 0. */
function refuseMaker({ token }: TokenMaker): void {
  if (token.uses > 0 || token.endedAt !== null) throw refusal('restricted use token cannot generate child tokens')
}

function refuseType({ type, entityAlias }: TokenRequest): void {
  if (type === 'batch') throw refusal('batch tokens are not offered: ask for type "service"')
  if (type !== '' && type !== 'service') throw refusal('invalid \'type\' specified: expected "service"')
  if (entityAlias !== '') throw refusal("'entity_alias' is only allowed in combination with token role")
}

function refusePrivileged(request: TokenRequest, { sudo }: TokenMaker): void {
  if (request.id !== '' && !sudo) throw refusal('root or sudo privileges required to specify token id')
  if (request.noParent && !request.orphanByPath && !sudo) throw refusal('root or sudo privileges required to create orphan token')
  if (request.period > 0 && !sudo) throw refusal('root or sudo privileges required to create periodic token')
  // A dot would read as the prefix of a token's kind, or as the end of a namespace.
  if (request.id !== '' && !ownChoice.test(request.id)) throw refusal('id: expected letters, digits, "_" and "-", at most 128')
}

function refuseSizes({ meta, displayName, uses }: TokenRequest): void {
  if (uses < 0) throw refusal('number of uses cannot be negative')
  if (uses > usesMax) throw refusal(`num_uses: at most ${usesMax}`)
  if (displayName.length > displayNameCharsMax) throw refusal(`display_name: at most ${displayNameCharsMax} characters`)
  const entries = Object.entries(meta)
  if (entries.length > metaEntriesMax) throw refusal(`meta: at most ${metaEntriesMax} entries`)
  for (const [key, value] of entries) {
    if (key.length > metaKeyCharsMax) throw refusal(`meta: a key has at most ${metaKeyCharsMax} characters`)
    if (value.length > metaValueCharsMax) throw refusal(`meta: a value has at most ${metaValueCharsMax} characters`)
  }
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
