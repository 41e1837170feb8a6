import { BrokerError } from 'mayfly/plugin'
import type { MountReader } from 'mayfly/plugin'
import { fingerprintOf, notEnrolled, openMessage } from './host-message.ts'
import type { HostMessage, SignedBody } from './host-message.ts'
import type { Engine } from '../engine.ts'
import { readHost } from './host-rows.ts'
import type { Host } from './host-rows.ts'

export interface KnownHost {
  readonly name: string
  readonly host: Host
  readonly enrolled: NonNullable<Host['enrolled']>
  readonly version: number
  readonly said: HostMessage
}

/** An enrolled host that spoke, by the key that it enrolled with. Whether its number is a new one, the caller looks at. */
export async function knownHost(engine: Engine, storage: MountReader, body: SignedBody, what: string, name: string): Promise<KnownHost> {
  const stored = await readHost(storage, name)
  const enrolled = stored?.host.enrolled
  if (!stored || !enrolled) throw notEnrolled(name)
  const { said } = openMessage(engine, body, { what, host: name, key: fingerprintOf(enrolled.key) })
  return { name, host: stored.host, enrolled, version: stored.version, said }
}

export function requireNewer({ said, enrolled }: KnownHost): void {
  if (said.sequence <= enrolled.sequence) throw new BrokerError('invalid_request', 'message: an old one, or said twice')
}
