import { setTimeout as wait } from 'node:timers/promises'
import { parseConfig } from '../../src/config.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { serve } from '../../src/serve.ts'
import { Api } from '../crash/api.ts'
import type { AwsKeys } from '../targets/moto-access.ts'
import { MotoFront, throttled } from '../targets/moto-front.ts'
import { motoMissing, startMoto } from '../targets/moto.ts'
import type { TestMoto } from '../targets/moto.ts'
import { printTable } from './table.ts'

const users = 1_000
const clients = 8
// moto answers a hundred calls a second, on a busy machine a fifth of that. What AWS takes of one account is less; this is what lets the fourteen thousand be over in minutes.
const perSecondMax = 100
const burstMax = 100
// Where the broker begins, to find out.
const perSecondSaid = 200
// Of all calls: refused although there is room, for others in the account; done, and nobody heard.
const parts = { throttled: 0.05, lost: 0.005 }
const lookEveryMs = 2_000

/** A thousand users issued and revoked at an AWS that takes so many calls a second and loses some answers: how many are lost. */
export async function benchAws(): Promise<void> {
  const reason = motoMissing()
  if (reason !== undefined) return void process.stdout.write(`\naws: skipped, ${reason}\n`)
  await using owned = new AsyncDisposableStack()
  const moto = owned.use(await startMoto())
  const front = owned.use(await MotoFront.start(moto.address.endpoint))
  const api = await brokerOver(moto, front, owned)
  const seen = { throttled: 0, lost: 0 }
  const takes = bucket()
  front.rule = () => {
    if (!takes() || Math.random() < parts.throttled) return (seen.throttled++, throttled)
    return Math.random() < parts.lost ? (seen.lost++, 'lose') : 'pass'
  }
  const startedAt = performance.now()
  const issued = await issueAll(api)
  const issuedAt = performance.now()
  await api.must('PUT', 'sys/leases/revoke-prefix/aws/creds/app', { sync: false })
  while (await isLeaseLeft(api)) await wait(lookEveryMs)
  const endedAt = performance.now()
  front.rule = () => 'pass'
  const [left, working] = [(await moto.users('/mayfly-')).length, await countWorking(moto, issued.keys)]
  printTable(
    `aws: ${users} users of IAM where AWS takes ${perSecondMax} calls a second, refuses every twentieth of them, and one in two hundred is done and not heard`,
    [
      {
        users: String(issued.keys.length),
        'asked again': String(issued.refused),
        calls: String(front.calls.length),
        refused: String(seen.throttled),
        unheard: String(seen.lost),
        'issuing, s': ((issuedAt - startedAt) / 1_000).toFixed(0),
        'revoking, s': ((endedAt - issuedAt) / 1_000).toFixed(0),
        'users left': `${left} ${left === 0 ? 'ok' : 'MISSED'}`,
        'keys that work': `${working} ${working === 0 ? 'ok' : 'MISSED'}`
      }
    ]
  )
}

/** As AWS limits: so many at once, and then so many a second. */
function bucket(): () => boolean {
  let [left, filledAt] = [burstMax, performance.now()]
  return () => {
    const now = performance.now()
    left = Math.min(burstMax, left + ((now - filledAt) / 1_000) * perSecondMax)
    filledAt = now
    if (left < 1) return false
    left--
    return true
  }
}

async function brokerOver(moto: TestMoto, front: MotoFront, owned: AsyncDisposableStack): Promise<Api> {
  const { endpoint } = front
  const config = { listener: { address: '127.0.0.1:0', tls: 'off' }, storage: { memory: {} }, targets: { endpoints: [endpoint] } }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const { dirname: folder } = import.meta
  const running = owned.use(await serve(parseConfig(JSON.stringify(config), folder), { log, folder, seal: new DevSeal() }))
  await running.life.initialise({}, { requestId: 'bench', remoteAddress: '127.0.0.1', remotePort: 0 }, 'root-of-the-bench')
  const api = new Api(`http://127.0.0.1:${running.listener.port}`, 'root-of-the-bench')
  const { access_key, secret_key } = await moto.newRoot()
  await api.must('POST', 'sys/mounts/aws', { type: 'aws' })
  const root = { access_key, secret_key, iam_endpoint: endpoint, sts_endpoint: endpoint, calls_per_second: perSecondSaid }
  await api.must('POST', 'aws/config/root', root)
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

async function countWorking(moto: TestMoto, keys: readonly AwsKeys[]): Promise<number> {
  let [next, working] = [0, 0]
  const looking = async () => {
    while (next < keys.length) if ((await moto.caller(keys[next++]!)) !== undefined) working++
  }
  await Promise.all(Array.from({ length: clients }, looking))
  return working
}

async function isLeaseLeft(api: Api): Promise<boolean> {
  return (await api.ask('LIST', 'sys/leases/lookup/aws/creds/app')).status !== 404
}

const readOnly = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] })
