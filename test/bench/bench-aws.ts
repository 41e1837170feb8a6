import { setTimeout as wait } from 'node:timers/promises'
import { parseConfig } from '../../src/config.ts'
import type { Clock } from '../../src/contracts/index.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { serve } from '../../src/serve.ts'
import { systemClock } from '../../src/system-clock.ts'
import { Api } from '../crash/api.ts'
import type { AwsKeys } from '../targets/moto-access.ts'
import { MotoFront, throttled } from '../targets/moto-front.ts'
import { motoMissing, startMoto } from '../targets/moto.ts'
import type { TestMoto } from '../targets/moto.ts'
import { printTable } from './table.ts'

const users = 1_000
const clients = 8
// Of all calls: AWS is busy; AWS did it and nobody heard.
const parts = { throttled: 0.1, lost: 0.005 }
// moto answers some hundred calls a second, and the engine asks AWS for 25 at most: what takes AWS ten minutes is over in two.
const speed = 6
const lookEveryMs = 250

/** A thousand users issued and revoked at an AWS that refuses every tenth call and loses some answers: how many are lost. */
export async function benchAws(): Promise<void> {
  const reason = motoMissing()
  if (reason !== undefined) return void process.stdout.write(`\naws: skipped, ${reason}\n`)
  await using owned = new AsyncDisposableStack()
  const moto = owned.use(await startMoto())
  const front = owned.use(await MotoFront.start(moto.address.endpoint))
  const clock = fastClock()
  const api = await brokerOver(moto, front, clock, owned)
  front.now = () => clock.now()
  const seen = { throttled: 0, lost: 0 }
  front.rule = () => {
    const chance = Math.random()
    if (chance < parts.throttled) return (seen.throttled++, throttled)
    return chance < parts.throttled + parts.lost ? (seen.lost++, 'lose') : 'pass'
  }
  const startedAt = clock.elapsed()
  const issued = await issueAll(api)
  const issuedAt = clock.elapsed()
  await api.must('PUT', 'sys/leases/revoke-prefix/aws/creds/app', { sync: false })
  while ((await moto.users('/mayfly-')).length > 0 || (await isLeaseLeft(api))) await wait(lookEveryMs)
  const endedAt = clock.elapsed()
  front.rule = () => 'pass'
  let working = 0
  for (const keys of issued.keys) if ((await moto.caller(keys)) !== undefined) working++
  printTable(`aws: ${users} users of IAM, every tenth call refused, one in two hundred done and not heard`, [
    {
      users: String(issued.keys.length),
      'asked again': String(issued.refused),
      calls: String(front.calls.length),
      refused: String(seen.throttled),
      unheard: String(seen.lost),
      'issuing, AWS minutes': ((issuedAt - startedAt) / 60_000).toFixed(1),
      'revoking, AWS minutes': ((endedAt - issuedAt) / 60_000).toFixed(1),
      'users left': String((await moto.users('/mayfly-')).length),
      'keys that work': `${working} ${working === 0 ? 'ok' : 'MISSED'}`
    }
  ])
}

async function brokerOver(moto: TestMoto, front: MotoFront, clock: Clock, owned: AsyncDisposableStack): Promise<Api> {
  const { endpoint } = front
  const config = { listener: { address: '127.0.0.1:0', tls: 'off' }, storage: { memory: {} }, targets: { endpoints: [endpoint] } }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const { dirname: folder } = import.meta
  const running = owned.use(await serve(parseConfig(JSON.stringify(config), folder), { log, folder, clock, seal: new DevSeal() }))
  await running.life.initialise({}, { requestId: 'bench', remoteAddress: '127.0.0.1', remotePort: 0 }, 'root-of-the-bench')
  const api = new Api(`http://127.0.0.1:${running.listener.port}`, 'root-of-the-bench')
  const { access_key, secret_key } = await moto.newRoot()
  await api.must('POST', 'sys/mounts/aws', { type: 'aws' })
  await api.must('POST', 'aws/config/root', { access_key, secret_key, iam_endpoint: endpoint, sts_endpoint: endpoint })
  await api.must('POST', 'aws/config/lease', { lease: '24h', lease_max: '24h' })
  await api.must('POST', 'aws/roles/app', { credential_type: 'iam_user', policy_document: readOnly })
  return api
}

/** Until so many have their keys: who is refused asks again. */
async function issueAll(api: Api): Promise<{ readonly keys: readonly AwsKeys[]; readonly refused: number }> {
  const keys: AwsKeys[] = []
  let [asked, refused] = [0, 0]
  const client = async () => {
    while (asked < users) {
      asked++
      const { status, body } = await api.ask('GET', 'aws/creds/app', undefined, 120_000)
      if (status === 200) keys.push(body.data as AwsKeys)
      else {
        asked--
        refused++
        await wait(100)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return { keys, refused }
}

async function isLeaseLeft(api: Api): Promise<boolean> {
  return (await api.ask('LIST', 'sys/leases/lookup/aws/creds/app')).status !== 404
}

/** Limits of calls stay in real time: the machine is no faster. */
function fastClock(): Clock {
  const since = Date.now()
  const now = () => since + (Date.now() - since) * speed
  return {
    now: () => Temporal.Instant.fromEpochMilliseconds(now()),
    elapsed: now,
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / speed, signal),
    within: (milliseconds, outer) => systemClock.within(milliseconds, outer)
  }
}

const readOnly = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] })
