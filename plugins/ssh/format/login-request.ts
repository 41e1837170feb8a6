import { WireReader } from './wire-reader.ts'

const userauthRequest = 50

/** What a client signs to log in (RFC 4252 section 7). */
export interface LoginRequest {
  readonly sessionId: Buffer
  readonly user: string
  readonly algorithm: string
  /** The key or certificate that logs in. */
  readonly blob: Buffer
  /** Present when client and server both know the host-bound method: the plain host key or its certificate. */
  readonly hostKey: Buffer | undefined
}

/** Reads the data of a request to sign, and refuses every other shape: an agent that signs anything also signs files (SSHSIG) and whatever a later protocol invents. That the key is one
 *  it listed and the session one that was bound, the agent compares. */
export function parseLoginRequest(data: Uint8Array): LoginRequest {
  const reader = new WireReader(data, 'data to sign')
  const sessionId = reader.string('session id')
  if (reader.byte('message') !== userauthRequest) throw reader.refusal('not a login')
  const user = reader.text('user')
  if (reader.text('service') !== 'ssh-connection') throw reader.refusal('not a login to ssh-connection')
  const method = reader.text('method')
  if (method !== 'publickey' && method !== 'publickey-hostbound-v00@openssh.com') throw reader.refusal('not a login with a key')
  if (!reader.boolean('has signature')) throw reader.refusal('not the signed form of a login')
  const algorithm = reader.text('algorithm')
  const blob = reader.string('key')
  const hostKey = method === 'publickey' ? undefined : reader.string('host key')
  reader.end()
  return { sessionId, user, algorithm, blob, hostKey }
}
