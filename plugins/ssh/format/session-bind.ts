import { subjectType } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { isGenuine, parseCertificate } from './parse-certificate.ts'
import { parsePublicKey } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { isSignedBy } from './signature.ts'
import { WireReader } from './wire-reader.ts'

/** What a client (from 8.9) tells its agent before it lists: the connection that it will sign for. */
export interface SessionBind {
  readonly hostKey: PublicKey
  /** The host's own, when it showed one: good by itself, but whether its CA is trusted, the caller must ask. */
  readonly certificate: Certificate | undefined
  readonly sessionId: Buffer
  /** The agent is being forwarded to that host: what signs through it then is not this machine. */
  readonly forwarding: boolean
}

// AGENT_MAX_SID_LEN of OpenSSH.
const sessionIdBytesMax = 128

/** Reads what follows the extension's name. Throws unless the host key has signed this session: anybody could name any host otherwise. */
export function parseSessionBind(reader: WireReader): SessionBind {
  const blob = reader.string('host key')
  const sessionId = Buffer.from(reader.string('session id'))
  const signature = reader.string('signature')
  const forwarding = reader.boolean('forwarding')
  reader.end()
  if (sessionId.length === 0 || sessionId.length > sessionIdBytesMax) throw reader.refusal('the session id has no usable length')
  const isCertificate = subjectType(new WireReader(blob, 'host key').text('type')) !== undefined
  const certificate = isCertificate ? parseCertificate(blob) : undefined
  if (certificate && (certificate.kind !== 'host' || !isGenuine(certificate))) throw reader.refusal('the host certificate is not good')
  const hostKey = certificate?.key ?? parsePublicKey(blob)
  if (!isSignedBy(hostKey, sessionId, signature)) throw reader.refusal('the session is not signed by the host key')
  return { hostKey, certificate, sessionId, forwarding }
}
