import { BrokerError } from 'mayfly/plugin'
import { WireWriter } from './wire-writer.ts'

// AGENT_MAX_LEN of OpenSSH: what is larger is no message of its clients.
const messageBytesMax = 256 * 1024
const lengthBytes = 4

/** Cuts what comes from a socket into messages of the agent protocol: a length before each. */
export class AgentFrames {
  #pending = Buffer.alloc(0)

  /** The messages that this piece completes. Throws when the stream is none of this protocol: nothing after it can be trusted. */
  push(piece: Uint8Array): readonly Buffer[] {
    this.#pending = Buffer.concat([this.#pending, piece])
    const messages: Buffer[] = []
    for (let message = this.#next(); message; message = this.#next()) messages.push(message)
    return messages
  }

  #next(): Buffer | undefined {
    if (this.#pending.length < lengthBytes) return undefined
    const length = this.#pending.readUInt32BE()
    if (length === 0 || length > messageBytesMax)
      throw new BrokerError('invalid_request', `agent message: ${length} bytes, from 1 to ${messageBytesMax} are accepted`)
    if (this.#pending.length < lengthBytes + length) return undefined
    const message = this.#pending.subarray(lengthBytes, lengthBytes + length)
    this.#pending = this.#pending.subarray(lengthBytes + length)
    return message
  }
}

export function agentFrame(message: Uint8Array): Buffer {
  return new WireWriter().string(message).finish()
}
