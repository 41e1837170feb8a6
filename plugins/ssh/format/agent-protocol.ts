/** The messages of the agent protocol (draft-ietf-sshm-ssh-agent) that an agent of certificates answers, and those by which it fills another agent. Each is a type and a body; the
 *  length before it is `AgentFrames`'. */
import type { Signer } from './signer.ts'
import { parseSessionBind } from './session-bind.ts'
import type { SessionBind } from './session-bind.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const type = {
  failure: 5,
  success: 6,
  requestIdentities: 11,
  identitiesAnswer: 12,
  signRequest: 13,
  signResponse: 14,
  removeIdentity: 18,
  extension: 27,
  extensionFailure: 28
} as const

export type AgentRequest =
  | { readonly kind: 'identities' }
  /** `blob`: a key or certificate as it was listed. `flags`: 2 asks an RSA key for SHA-256, 4 for SHA-512. */
  | { readonly kind: 'sign'; readonly blob: Buffer; readonly data: Buffer; readonly flags: number }
  | { readonly kind: 'session-bind'; readonly bind: SessionBind }
  /** Answer `failure` to `request`, and `extensionFailure` to `extension`. */
  | { readonly kind: 'other'; readonly what: 'request' | 'extension' }

/** What a client asks. Throws when a message of a known type is malformed: an agent answers that with a failure. */
export function parseAgentRequest(message: Uint8Array): AgentRequest {
  const reader = new WireReader(message, 'agent message')
  switch (reader.byte('type')) {
    case type.requestIdentities:
      reader.end()
      return { kind: 'identities' }
    case type.signRequest:
      return signRequest(reader)
    case type.extension:
      return extension(reader)
    default:
      return { kind: 'other', what: 'request' }
  }
}

function signRequest(reader: WireReader): AgentRequest {
  const request = { kind: 'sign', blob: reader.string('key'), data: reader.string('data'), flags: reader.uint32('flags') } as const
  reader.end()
  return request
}

function extension(reader: WireReader): AgentRequest {
  if (reader.text('extension') !== 'session-bind@openssh.com') return { kind: 'other', what: 'extension' }
  return { kind: 'session-bind', bind: parseSessionBind(reader) }
}

export interface AgentIdentity {
  /** Of a key or of a certificate. */
  readonly blob: Buffer
  readonly comment: string
}

export const agentAnswer = {
  failure: Buffer.of(type.failure),
  success: Buffer.of(type.success),
  extensionFailure: Buffer.of(type.extensionFailure),

  identities(identities: readonly AgentIdentity[]): Buffer {
    const writer = new WireWriter().byte(type.identitiesAnswer).uint32(identities.length)
    for (const { blob, comment } of identities) writer.string(blob).string(comment)
    return writer.finish()
  },

  /** The plain key's algorithm, also for a certificate. */
  async signed(signer: Signer, data: Uint8Array): Promise<Buffer> {
    return new WireWriter()
      .byte(type.signResponse)
      .string(await signer.sign(data))
      .finish()
  }
} as const

/** Asks another agent to forget a key or certificate. */
export function removeIdentity(blob: Uint8Array): Buffer {
  return new WireWriter().byte(type.removeIdentity).string(blob).finish()
}

export function isSuccess(answer: Uint8Array): boolean {
  return answer.length === 1 && answer[0] === type.success
}
