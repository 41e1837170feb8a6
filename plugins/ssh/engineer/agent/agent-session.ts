/** What one client of the agent may do: list, and sign logins that it asks for itself.
 *
 *  An agent that signs whatever it is sent signs files too (SSHSIG), and logins of whoever it is forwarded to. So: only the request of a login, only with what was listed to this client, and only for a session that
 *  the host has signed, where the client tells of one (from 8.9). A client that was forwarded gets nothing. */
import { agentAnswer, parseAgentRequest } from '../../format/agent-protocol.ts'
import type { AgentRequest } from '../../format/agent-protocol.ts'
import { keyBlob } from '../../format/public-key.ts'
import type { SessionBind } from '../../format/session-bind.ts'
import { parseLoginRequest } from '../../format/login-request.ts'
import type { LoginRequest } from '../../format/login-request.ts'
import { hostKeyOf } from './host-key-of.ts'
import type { HeldCertificate } from '../held-certificate.ts'

export interface AgentKeys {
  /** What to offer. `host`: what the client has bound, absent with an old one. It never rejects: an agent that has nothing says so. */
  list(host: SessionBind | undefined): Promise<readonly HeldCertificate[]>
  /** Whether this login may be signed. */
  allows?(login: LoginRequest): boolean
  signed?(login: LoginRequest, certificate: HeldCertificate, host: SessionBind | undefined): void
  /** Asked to forget everything, as `ssh-add -D` does. */
  forget?(): Promise<void>
}

// sshd counts each offer as a try, and six end the connection.
const offeredMax = 4
// OpenSSH's own: hops of one connection.
const bindsMax = 16
const removeAll = 19
const extension = 27

export class AgentSession {
  readonly #keys: AgentKeys
  readonly #binds: SessionBind[] = []
  #listed: readonly HeldCertificate[] = []
  /** Somebody else's machine is behind it, or it has lied. */
  #shut = false

  constructor(keys: AgentKeys) {
    this.#keys = keys
  }

  async answer(message: Uint8Array): Promise<Buffer> {
    try {
      return await this.#answer(message)
    } catch {
      // Malformed, or not for us to sign: a client tries its next key.
      return agentAnswer.failure
    }
  }

  async #answer(message: Uint8Array): Promise<Buffer> {
    if (message.length === 1 && message[0] === removeAll) return await this.#forget()
    const request = this.#read(message)
    if (request.kind === 'session-bind') return this.#bind(request.bind)
    if (request.kind === 'other') return request.what === 'extension' ? agentAnswer.extensionFailure : agentAnswer.failure
    if (request.kind === 'identities') return await this.#list()
    return await this.#sign(request.blob, request.data)
  }

  /** A host may have a key that OpenSSH takes and we do not: that it is forwarded to the message says all the same, by its last byte. */
  #read(message: Uint8Array): AgentRequest {
    try {
      return parseAgentRequest(message)
    } catch (error) {
      this.#shut ||= message[0] === extension && message.at(-1) !== 0
      throw error
    }
  }

  #bind(bind: SessionBind): Buffer {
    this.#shut ||= bind.forwarding || this.#binds.length === bindsMax
    if (this.#shut) return agentAnswer.failure
    this.#binds.push(bind)
    return agentAnswer.success
  }

  async #list(): Promise<Buffer> {
    this.#listed = this.#shut ? [] : (await this.#keys.list(this.#binds.at(-1))).slice(0, offeredMax)
    return agentAnswer.identities(this.#listed.map(({ blob, role, serial }) => ({ blob, comment: `mayfly ${role} ${serial}` })))
  }

  async #sign(blob: Buffer, data: Buffer): Promise<Buffer> {
    const certificate = this.#listed.find(one => one.blob.equals(blob))
    const login = parseLoginRequest(data)
    if (this.#shut || !certificate || !login.blob.equals(blob) || this.#keys.allows?.(login) === false) return agentAnswer.failure
    const bind = this.#binds.find(one => one.sessionId.equals(login.sessionId))
    if (this.#binds.length > 0 && !(bind && isFor(login, bind))) return agentAnswer.failure
    const answer = await agentAnswer.signed(certificate.signer, data)
    this.#keys.signed?.(login, certificate, bind)
    return answer
  }

  async #forget(): Promise<Buffer> {
    this.#listed = []
    if (!this.#keys.forget) return agentAnswer.failure
    await this.#keys.forget()
    return agentAnswer.success
  }
}

/** A host-bound request names its host once more: the same one. */
function isFor({ hostKey }: LoginRequest, bind: SessionBind): boolean {
  return hostKey === undefined || keyBlob(hostKeyOf(hostKey)).equals(keyBlob(bind.hostKey))
}
