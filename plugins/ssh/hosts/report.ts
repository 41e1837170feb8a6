import { path, z } from 'mayfly/plugin'
import type { MountReader, Path } from 'mayfly/plugin'
import { publishedIssuers, readIssuers } from '../issuers/issuer.ts'
import type { Issuer, Issuers } from '../issuers/issuer.ts'
import { askingWord } from './ask.ts'
import { messageFields } from './host-message.ts'
import type { Engine } from '../engine.ts'
import { writeHost } from './host-rows.ts'
import { knownHost, requireNewer } from './known-host.ts'
import type { KnownHost } from './known-host.ts'
import { parseSaid } from './parse-said.ts'

// Whether a host is alive is to be seen to this, without a row for every poll of every host.
const seenEveryMs = 60_000

const reported = z.object({
  krl_version: z.int().min(0),
  krl_date: z.int().min(0),
  ends_sessions: z.boolean(),
  clock: z.int().min(0).optional()
})

// Beyond it a host that is late refuses what was signed a moment ago: certificates begin 30 s before.
const clockOffSecondsMax = 20

/** `hosts/:host/report`: which KRL a host runs, which is the proof that what stands on it is dead there; and what it is to know, a line each. */
export function reportPath(engine: Engine): Path {
  return path({
    pattern: 'hosts/:host/report',
    summary: 'a host says which KRL it runs, and hears what it is to trust',
    open: true,
    counted: true,
    fields: messageFields,
    write: async ({ params, fields }, storage) => {
      const known = await knownHost(engine, storage, fields, 'report', params['host'] ?? '')
      const { krl_version: krlVersion, krl_date: krlDate, ends_sessions: endsSessions, clock } = parseSaid(reported, known.said)
      const { enrolled, host } = known
      const now = engine.context.clock.now()
      const { clockOff: before = 0, ...others } = enrolled
      const off = clock === undefined ? 0 : clock - Math.floor(now.epochMilliseconds / 1_000)
      const clockOff = Math.abs(off) > clockOffSecondsMax ? off : 0
      const isOtherClock = Math.abs(clockOff - before) > clockOffSecondsMax
      const changed = enrolled.krlVersion !== krlVersion || enrolled.endsSessions !== endsSessions || isOtherClock
      if (changed || now.epochMilliseconds - Temporal.Instant.from(enrolled.seenAt).epochMilliseconds >= seenEveryMs) {
        // What changes nothing may be an old word as well: it is not kept.
        requireNewer(known)
        const said = { krlVersion, krlDate, endsSessions, sequence: known.said.sequence, seenAt: now.toString() }
        const heard = { ...others, ...said, ...(clockOff !== 0 && { clockOff }) }
        writeHost(storage, known.name, { ...host, enrolled: heard }, known.version, host)
      }
      return { raw: Buffer.from((await whatToKnow(engine, storage, known)).map(line => `${line}\n`).join('')), type: 'text/plain' }
    }
  })
}

async function whatToKnow(engine: Engine, storage: MountReader, { name, host, enrolled }: KnownHost): Promise<readonly string[]> {
  const { all } = await readIssuers(storage)
  const issuers = publishedIssuers(all).filter(({ signs }) => signs !== 'host')
  return [
    `krl ${await engine.krl.version()}`,
    `time ${Math.floor(engine.context.clock.now().epochMilliseconds / 1_000)}`,
    `word ${askingWord(engine.context, name, enrolled)}`,
    ...issuers.map(({ publicKey }) => `ca ${publicKey}`),
    ...trustedOfHosts(all).map(({ fingerprint }) => `host_ca ${fingerprint}`),
    ...Object.entries(host.accounts).map(([account, principals]) => `account ${account} ${principals.join(' ')}`)
  ]
}

/** A host whose certificate is by none of these asks for another at once: its clients trust it no longer (a CA key that leaked). None, while nothing could sign it. */
function trustedOfHosts(all: Issuers): readonly Issuer[] {
  const signing = all.issuers.find(({ id }) => id === (all.defaultHost || all.default))
  return signing?.phase === 'active' && signing.signs !== 'user' ? publishedIssuers(all).filter(({ signs }) => signs !== 'user') : []
}
