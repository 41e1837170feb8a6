/** What a host says, signed with its host key: it needs no token, holds no secret of ours, and nobody else can say it. */
import { BrokerError, z } from 'mayfly/plugin'
import { fingerprint } from '../format/public-key.ts'
import { parseKeyLine } from '../format/key-line.ts'
import { signerOfMessage } from '../format/sshsig.ts'
import type { Engine } from '../engine.ts'

const namespace = 'host@mayfly'
// 200 logins of 300 bytes; and what ssh-keygen makes around an RSA signature.
const messageCharactersMax = 131_072
const signatureCharactersMax = 16_384

const message = z.looseObject({
  to: z.string(),
  do: z.string(),
  host: z.string(),
  sequence: z
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER - 1)
})

export type HostMessage = z.output<typeof message>

/** The fields of each path that takes one. */
export const messageFields = {
  message: z.string('base64 of a signed message is required').max(messageCharactersMax, 'too long'),
  signature: z.string('base64 of its signature is required').max(signatureCharactersMax, 'too long')
}

export interface SignedBody {
  readonly message: string
  readonly signature: string
}

/** Which path of which host a message must be for; and by which key, where one is known already. */
export interface Awaited {
  readonly what: string
  readonly host: string
  /** A fingerprint. */
  readonly key?: string
}

/** The message and the key that signed it. `what` and `host` are bound by the signature: a word for another path, host or mount is none here. */
export function openMessage(
  { context }: Engine,
  body: SignedBody,
  { what, host, key: known }: Awaited
): { said: HostMessage; key: string } {
  const bytes = Buffer.from(body.message, 'base64')
  const key = signerOfMessage(Buffer.from(body.signature, 'base64').toString('latin1'), namespace, bytes, shown => {
    if (known !== undefined && fingerprint(shown) !== known) throw notEnrolled(host)
  })
  const said = parseMessage(bytes)
  if (said.to !== context.mount.uuid) throw refusal('it is for another mount: enrol this host here')
  if (said.do !== what || said.host !== host) throw refusal('it is for another path')
  return { said, key: fingerprint(key) }
}

export function notEnrolled(host: string): BrokerError {
  return new BrokerError('invalid_credentials', `${host} is not enrolled here with this key`)
}

export const fingerprintOf = (line: string): string => fingerprint(parseKeyLine(line).key)

function parseMessage(bytes: Buffer): HostMessage {
  try {
    return message.parse(JSON.parse(bytes.toString('utf8')))
  } catch (cause) {
    throw new BrokerError('invalid_request', 'message: not a message of a host', { cause })
  }
}

function refusal(why: string): BrokerError {
  return new BrokerError('invalid_request', `message: ${why}`)
}
