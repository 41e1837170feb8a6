import { BrokerError } from 'mayfly/plugin'
import type { MountReader, Task, TaskOutcome } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { runOnHost } from './host-connection.ts'
import { readHost, writeHost } from './host-rows.ts'
import type { Host } from './host-rows.ts'
import { hostScript } from './host-script.ts'
import { reachedPlace } from './reach.ts'

// A host that does not answer is asked again, for ever.
const again = Temporal.Duration.from('PT30S')
const isBlind = 'sessions of revoked certificates go on there: no log of sshd is to be seen, or no /proc'

/** Takes the KRL to a host that has no helper, and ends there the sessions that it ends. That it is there and sshd asks it, the host says itself, and only then the row does. */
export function pushKrlTask(engine: Engine): Task {
  return {
    async run(intent, storage, signal): Promise<TaskOutcome> {
      const name = (intent as { readonly host: string }).host
      const stored = await readHost(storage, name)
      const reached = stored?.host.reached
      const published = await engine.krl.now()
      if (!stored || !reached || !published) return { done: true }
      const settle = (more: Partial<NonNullable<Host['reached']>>): void =>
        writeHost(storage, name, { ...stored.host, reached: { ...reached, ...more } }, stored.version, stored.host)
      try {
        settle(await pushed(storage, name, reached, published.krl, signal))
        return { done: true, did: 'pushed' }
      } catch (cause) {
        if (!(cause instanceof BrokerError)) throw cause
        if (reached.error !== cause.message) settle({ error: cause.message })
        return { again: engine.context.clock.now().add(again), why: cause.message }
      }
    }
  }
}

async function pushed(
  storage: MountReader,
  name: string,
  reached: NonNullable<Host['reached']>,
  krl: Buffer,
  signal: AbortSignal
): Promise<Pick<NonNullable<Host['reached']>, 'krlVersion' | 'error' | 'blind'>> {
  const script = `mayfly_krl='${krl.toString('base64')}'\n${hostScript()}`
  const words = ['push', ...(reached.prefix === '' ? [] : ['--prefix', reached.prefix])]
  const said = await runOnHost(await reachedPlace(storage, name, reached), words, script, signal)
  const version = /^krl (\d{1,15})$/m.exec(said)?.[1]
  if (version === undefined) throw new BrokerError('target_refused', 'the host does not say which KRL it runs')
  const blind = /^blind$/m.test(said)
  return { krlVersion: Number(version), error: blind ? isBlind : null, blind }
}
