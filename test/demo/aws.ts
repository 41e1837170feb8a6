/** The story of AWS keys that end, against moto, an AWS for tests: it knows keys, users and policies, and reads no conditions. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { CreateRoleCommand, GetRolePolicyCommand, ListRolePoliciesCommand } from '@aws-sdk/client-iam'
import type { AwsKeys, MotoAccess } from '../targets/moto-access.ts'
import { motoMissing, startMoto } from '../targets/moto.ts'
import { startDemoBroker } from './demo-broker.ts'
import type { DemoBroker } from './demo-broker.ts'
import { must, story } from './story.ts'

const ttlSeconds = 20
const main = join(import.meta.dirname, '../../src/main.ts')

interface Stage extends DemoBroker {
  readonly moto: MotoAccess
}

interface Credential {
  readonly lease: string
  readonly keys: AwsKeys
}

export async function tellAwsStory(
  stack: AsyncDisposableStack,
  keep: (stage: DemoBroker, hints: readonly string[]) => Promise<void>
): Promise<void> {
  story.title('Mayfly: AWS keys that end')
  const stage = await setTheStage(stack)
  const root = await configure(stage)
  const credential = await aUser(stage)
  await itsUse(stage, credential)
  await itEnds(stage, credential)
  await aSession(stage)
  await forAnSdk(stage)
  await keep(stage, [
    `# the keys of the broker's own user: ${root.access_key}`,
    'npx mayfly aws check deploy',
    'npx mayfly aws policy',
    'npx mayfly aws app',
    'npx mayfly lease ls'
  ])
}

async function setTheStage(stack: AsyncDisposableStack): Promise<Stage> {
  story.chapter(1, 'An AWS and a broker')
  const lacking = motoMissing()
  if (lacking !== undefined) throw new Error(lacking)
  const moto = stack.use(await startMoto())
  const { endpoint } = moto.address
  story.good(`moto listens on ${endpoint}: IAM and STS over HTTP, with keys, signatures and policies checked`)
  const broker = await startDemoBroker(stack, [`targets: { endpoints: ['${endpoint}'] }`, 'observe_every: 1s'])
  return { ...broker, moto }
}

async function configure({ api, moto }: Stage): Promise<AwsKeys> {
  story.chapter(2, 'Set up, as any client of the Vault HTTP API would')
  const { access_key, secret_key, name } = await moto.newRoot()
  const { endpoint } = moto.address
  story.does('mayfly secrets enable aws')
  await api.must('POST', 'sys/mounts/aws', { type: 'aws' })
  story.does(`mayfly write aws/config/root access_key=${access_key} secret_key=- iam_endpoint=${endpoint} sts_endpoint=${endpoint}`)
  await api.must('POST', 'aws/config/root', { access_key, secret_key, iam_endpoint: endpoint, sts_endpoint: endpoint })
  story.does('mayfly write -f aws/config/rotate-root                  # from here on nobody but the broker has its key')
  const { data } = await api.must('POST', 'aws/config/rotate-root')
  must(data.access_key !== access_key, `the user ${name} works with ${data.access_key} now, which nobody has seen`)
  story.does('mayfly write aws/roles/deploy credential_type=iam_user policy_document=@deploy.json')
  const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] }
  const written = await api.must('POST', 'aws/roles/deploy', { credential_type: 'iam_user', policy_document: JSON.stringify(policy) })
  for (const warning of written?.warnings ?? []) story.says(`warning: ${warning}`)
  await api.must('POST', 'aws/config/lease', { lease: `${ttlSeconds}s`, lease_max: '1h' })
  return { access_key: data.access_key, secret_key: '' }
}

async function aUser({ api, moto }: Stage): Promise<Credential> {
  story.chapter(3, 'A key, for what cannot use sessions')
  story.does('mayfly read aws/creds/deploy')
  const { lease_id: lease, lease_duration, data } = await api.must('GET', 'aws/creds/deploy')
  story.sees(
    `access_key   ${data.access_key}\nsecret_key   ${'•'.repeat(String(data.secret_key).length)}\nlease        ${lease}\nlives for    ${lease_duration} s`
  )
  const arn = await moto.caller(data)
  must(arn !== undefined, `aws sts get-caller-identity says ${arn}`)
  const name = String(arn).split('/').at(-1)!
  const expiry = [...(await moto.policies(name))].find(([policy]) => policy === 'mayfly-expiry')?.[1]
  story.sees(`its policy mayfly-expiry, in place before the key was made:\n${JSON.stringify(expiry?.Statement[0])}`)
  must(expiry !== undefined, 'AWS itself denies it everything after its end, be there a broker or not')
  return { lease, keys: data }
}

async function itsUse({ api }: Stage, { lease }: Credential): Promise<void> {
  story.chapter(4, 'Who holds what, and whether it was used')
  story.does(`mayfly lease show ${lease}`)
  const held = await until(async () => {
    const { data } = await api.must('PUT', 'sys/leases/lookup', { lease_id: lease })
    return data.last_seen === null ? undefined : data
  })
  const { display_name, visible, expire_time, last_seen, seen_from } = held ?? {}
  story.sees(
    `${display_name} holds ${JSON.stringify(visible)}\nuntil ${expire_time}; last seen ${last_seen}${seen_from?.length ? `, ${seen_from.join()}` : ''}`
  )
  must(held !== undefined, 'AWS told the broker that the key was used')
}

async function itEnds({ moto }: Stage, { keys }: Credential): Promise<void> {
  story.chapter(5, `It dies on time, after ${ttlSeconds} s`)
  const refused = await until(async () => ((await moto.caller(keys)) === undefined ? true : undefined))
  must(refused === true, 'the key is refused: InvalidClientTokenId')
  must(
    (await until(async () => ((await moto.users('/mayfly-')).length === 0 ? true : undefined))) === true,
    'and the user is gone from IAM'
  )
}

async function aSession({ api, moto }: Stage): Promise<void> {
  story.chapter(6, 'A session, which AWS takes back for nobody')
  const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] }
  const { Role } = await moto.iam.send(new CreateRoleCommand({ RoleName: 'app', AssumeRolePolicyDocument: JSON.stringify(trust) }))
  const role_arns = Role!.Arn!
  story.does(`mayfly write aws/roles/app credential_type=assumed_role role_arns=${role_arns} cut_on_revoke=true`)
  await api.must('POST', 'aws/roles/app', { credential_type: 'assumed_role', role_arns, cut_on_revoke: true, default_sts_ttl: '15m' })
  story.does('mayfly read aws/creds/app')
  const reply = await api.must('GET', 'aws/creds/app')
  for (const warning of reply.warnings ?? []) story.says(`warning: ${warning}`)
  must((await moto.caller(reply.data)) === reply.data.arn, `its name leads from CloudTrail to the lease: ${reply.data.arn}`)
  story.does(`mayfly lease revoke ${reply.lease_id}`)
  await api.must('PUT', 'sys/leases/revoke', { lease_id: reply.lease_id, sync: true })
  const cut = await until(() => cutOf(moto, 'app'))
  story.sees(cut ?? '')
  must(
    cut?.includes(String(reply.lease_id).split('/').at(-1)!) === true,
    'a policy of the role denies everything to this session, and to no other'
  )
}

async function cutOf(moto: MotoAccess, RoleName: string): Promise<string | undefined> {
  const { PolicyNames = [] } = await moto.iam.send(new ListRolePoliciesCommand({ RoleName }))
  if (PolicyNames[0] === undefined) return undefined
  const { PolicyDocument } = await moto.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: PolicyNames[0] }))
  return decodeURIComponent(PolicyDocument!)
}

async function forAnSdk({ api, folder }: Stage): Promise<void> {
  story.chapter(7, 'As SDKs ask for it: credential_process = mayfly aws app')
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_RUNTIME_DIR: folder, MAYFLY_ADDR: api.address, MAYFLY_TOKEN: api.token }
  const run = () => spawnSync(process.execPath, [main, 'aws', 'app'], { env, encoding: 'utf8' })
  const [first, again] = [run(), run()]
  const { SecretAccessKey: _, SessionToken: __, ...shown } = JSON.parse(first.stdout || '{}')
  story.sees(JSON.stringify(shown))
  must(shown.AccessKeyId !== undefined && again.stdout === first.stdout, 'the second process gets the same keys, from the first one')
  const trail = await readFile(join(folder, 'audit.jsonl'), 'utf8')
  must(
    trail.includes(shown.AccessKeyId) && !trail.includes(JSON.parse(first.stdout).SecretAccessKey),
    'the trail knows the key by its id, and holds no secret'
  )
}

async function until<T>(look: () => Promise<T | undefined>, limitMs = 60_000): Promise<T | undefined> {
  for (let waited = 0; waited < limitMs; waited += 200) {
    const seen = await look()
    if (seen !== undefined) return seen
    await wait(200)
  }
  return undefined
}
