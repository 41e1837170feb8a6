import { FaultProxy } from '../targets/fault-proxy.ts'
import { startMoto } from '../targets/moto.ts'
import type { CrashTarget } from './crash-target.ts'
import type { NamedMoment } from './moment.ts'

/** Each call that begins or ends a user, seen on the wire: said and not arrived, arrived and the answer lost, answered and not heard. */
const calls = [
  ['issue', 'create-user', /Action=CreateUser\b/],
  ['issue', 'expiry', /PolicyName=mayfly-expiry\b/],
  ['issue', 'role-policy', /PolicyName=app\b/],
  ['issue', 'create-key', /Action=CreateAccessKey\b/],
  ['revoke', 'get-user', /Action=GetUser\b/],
  ['revoke', 'list-keys', /Action=ListAccessKeys\b/],
  ['revoke', 'deactivate', /Action=UpdateAccessKey\b/],
  ['revoke', 'deny', /PolicyName=mayfly-deny\b/],
  ['revoke', 'last-use', /Action=GetAccessKeyLastUsed\b/],
  ['revoke', 'delete-key', /Action=DeleteAccessKey\b/],
  ['revoke', 'delete-policy', /Action=DeleteUserPolicy\b/],
  ['revoke', 'delete-user', /Action=DeleteUser&|Action=DeleteUser$/],
  ['revoke', 'look', /Action=ListUsers\b/]
] as const

export const awsMoments: readonly NamedMoment[] = calls.flatMap(([work, call, pattern]) => [
  { point: `${work}:before-${call}-sent`, wire: { kind: 'cut', pattern, when: 'before' } },
  { point: `${work}:after-${call}-sent`, wire: { kind: 'swallow', pattern } },
  { point: `${work}:after-${call}`, wire: { kind: 'cut', pattern, when: 'after' } }
])

export async function awsTarget(): Promise<CrashTarget> {
  await using owned = new AsyncDisposableStack()
  const moto = owned.use(await startMoto())
  const { hostname: host, port } = new URL(moto.address.endpoint)
  const proxy = owned.use(await FaultProxy.start({ host, port: Number(port) }))
  const endpoint = `http://${proxy.host}:${proxy.port}`
  const { access_key, secret_key } = await moto.newRoot()
  const moved = owned.move()
  return {
    proxy,
    credentials: 'aws/creds/app',
    config: [`targets: { endpoints: ['${endpoint}'] }`],
    async prepare(api) {
      await api.must('POST', 'sys/mounts/aws', { type: 'aws' })
      const root = { access_key, secret_key, iam_endpoint: endpoint, sts_endpoint: endpoint, calls_per_second: 500 }
      await api.must('POST', 'aws/config/root', root)
      await api.must('POST', 'aws/config/lease', { lease: '2s', lease_max: '10s' })
      await api.must('POST', 'aws/roles/app', { credential_type: 'iam_user', policy_document: readOnly })
    },
    // Ten calls each, and moto has one processor's time.
    removedMsMax: 150_000,
    // moto takes a second for a list of some hundred users.
    lookMs: 3_000,
    leftovers: async () => (await moto.users('/mayfly-')).map(({ UserName }) => UserName!),
    [Symbol.asyncDispose]: () => moved.disposeAsync()
  }
}

const readOnly = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] })
