import { timingSafeEqual } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { BackendContext } from 'mayfly/plugin'

// From the question to the signature: a person may have to touch something in between.
const lifeMs = 300_000

/** A nonce that is kept nowhere, so that nobody fills the store by asking: the mount, the time and a number, under a MAC. That it counts once, the token says that goes with it. */
export function newNonce(context: BackendContext, host: string): string {
  const { mount, clock, random } = context
  const told = `${mount.uuid}.${clock.now().epochMilliseconds}.${Buffer.from(random.bytes(12)).toString('hex')}`
  return `${told}.${macOf(context, host, told).toString('hex')}`
}

export function requireNonce(context: BackendContext, host: string, nonce: unknown): void {
  const parts = typeof nonce === 'string' ? nonce.split('.') : []
  const mac = Buffer.from(parts[3] ?? '', 'hex')
  const expected = macOf(context, host, parts.slice(0, 3).join('.'))
  if (parts.length !== 4 || parts[0] !== context.mount.uuid || mac.length !== expected.length || !timingSafeEqual(mac, expected))
    throw new BrokerError('invalid_request', 'nonce: not one of this mount for this host')
  const age = context.clock.now().epochMilliseconds - Number(parts[1])
  if (age < 0 || age > lifeMs) throw new BrokerError('invalid_request', 'nonce: too old, ask for another')
}

const macOf = (context: BackendContext, host: string, told: string): Buffer => Buffer.from(context.mac(`host-nonce:${host}:${told}`))
