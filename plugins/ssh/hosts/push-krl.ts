import { BrokerError } from 'mayfly/plugin'
import type { MountReader, Task, TaskOutcome } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import type { NamedCertificate } from '../use/find-certificate.ts'
import { certificateEnds } from './certificate-ends.ts'
import { runOnHost } from './host-connection.ts'
import { readHost, writeHost } from './host-rows.ts'
import type { Host } from './host-rows.ts'
import { hostScript } from './host-script.ts'
import { reachedPlace } from './reach.ts'

// A host that does not answer is asked again, for ever.
const again = Temporal.Duration.from('PT30S')
// The script tells of as many.
const sessionsMax = 500
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
        settle(await pushed(engine, storage, { name, reached, krl: published.krl }, signal))
        return { done: true, did: 'pushed' }
      } catch (cause) {
        if (!(cause instanceof BrokerError)) throw cause
        if (reached.error !== cause.message) settle({ error: cause.message })
        return { again: engine.context.clock.now().add(again), why: cause.message }
      }
    }
  }
}

interface Push {
  readonly name: string
  readonly reached: NonNullable<Host['reached']>
  readonly krl: Buffer
}

/** The host says whose sessions it has: the list forgets a certificate an hour after its time, and it may have been out of reach for longer. Those that were ended it is told by name. */
async function pushed(
  engine: Engine,
  storage: MountReader,
  { name, reached, krl }: Push,
  signal: AbortSignal
): Promise<Pick<NonNullable<Host['reached']>, 'krlVersion' | 'error' | 'blind'>> {
  const place = await reachedPlace(storage, name, reached)
  const words = ['push', ...(reached.prefix === '' ? [] : ['--prefix', reached.prefix])]
  const push = (ends: readonly string[]): Promise<string> => runOnHost(place, words, pushScript(krl, ends), signal)
  const said = await push([])
  const ends = await certificateEnds(engine, storage, sessionsIn(said))
  return outcomeOf(ends.some(line => line.endsWith(' ended')) ? await push(ends) : said)
}

/** The lines are of our own writing: fingerprints, numbers and words. */
function pushScript(krl: Buffer, ends: readonly string[]): string {
  return `mayfly_krl='${krl.toString('base64')}'\nmayfly_ends='${ends.map(line => `${line}\n`).join('')}'\n${hostScript()}`
}

function sessionsIn(said: string): readonly NamedCertificate[] {
  const lines = said.matchAll(/^session (SHA256:[A-Za-z0-9+/]{43}) (\d{1,20})$/gm).take(sessionsMax)
  return Array.from(lines, ([, ca = '', serial = '']) => ({ ca, serial }))
}

function outcomeOf(said: string): Pick<NonNullable<Host['reached']>, 'krlVersion' | 'error' | 'blind'> {
  const version = /^krl (\d{1,15})$/m.exec(said)?.[1]
  if (version === undefined) throw new BrokerError('target_refused', 'the host does not say which KRL it runs')
  const blind = /^blind$/m.test(said)
  return { krlVersion: Number(version), error: blind ? isBlind : null, blind }
}
