/** What `credential_process` of the AWS SDKs reads: one JSON object, fresh enough to be of use, from the cache while it is. */
import { BrokerError, z } from 'mayfly/plugin'
import type { AskingCall, BrokerReply } from 'mayfly/plugin'
import { CredentialCache } from './credential-cache.ts'
import { askForKeys } from './role-request.ts'
import type { RoleRequest } from './role-request.ts'

const cached = z.object({
  credential: z.object({
    Version: z.literal(1),
    AccessKeyId: z.string(),
    SecretAccessKey: z.string(),
    SessionToken: z.string().optional(),
    // Without it an SDK takes the keys for permanent.
    Expiration: z.string()
  }),
  issuedAt: z.number(),
  expiresAt: z.number(),
  lease: z.string(),
  renewable: z.boolean()
})
type Cached = z.output<typeof cached>

// SDKs renew by themselves so long before the end: what has less left would be asked for again and again.
const usefulMsMin = 60_000

export async function processCredential(call: AskingCall, request: RoleRequest): Promise<Cached['credential']> {
  const cache = new CredentialCache(call.env, [call.broker.address, await call.broker.identity(), request.path, request.fields])
  const found = readCached(cache)
  if (found && !call.flag('fresh') && isFresh(found)) return found.credential
  return await cache.alone(async () => {
    // Another run may have been faster.
    const before = readCached(cache)
    if (before && isFresh(before) && (!call.flag('fresh') || before.issuedAt !== found?.issuedAt)) return before.credential
    const next = await nextCredential(call, request, call.flag('fresh') ? undefined : before)
    cache.write(next)
    return next.credential
  })
}

/** Keys of a user live on when their lease is renewed. While old ones are good, nothing that goes wrong matters to the SDK. */
async function nextCredential(call: AskingCall, request: RoleRequest, before: Cached | undefined): Promise<Cached> {
  try {
    return (before && (await renewed(call, before))) ?? (await issued(call, request))
  } catch (error) {
    if (!before || before.expiresAt - Date.now() < usefulMsMin) throw error
    call.screen.note(
      `${error instanceof Error ? error.message : 'failed'}; the keys from before are used until ${before.credential.Expiration}`
    )
    return before
  }
}

async function renewed(call: AskingCall, before: Cached): Promise<Cached | undefined> {
  if (!before.renewable || before.expiresAt <= Date.now()) return undefined
  const now = Date.now()
  const reply = await call.request('POST', 'sys/leases/renew', { lease_id: before.lease }).catch(() => undefined)
  if (!reply) return undefined
  const next = living(before.credential, reply, now)
  // At the end of its longest life it must be a new one.
  return next.expiresAt - before.expiresAt > usefulMsMin && isFresh({ ...next, issuedAt: before.issuedAt }) ? next : undefined
}

async function issued(call: AskingCall, request: RoleRequest): Promise<Cached> {
  const now = Date.now()
  const { keys, reply } = await askForKeys(call, request)
  if (reply.leaseSeconds <= 0) throw new BrokerError('invalid_request', 'the broker does not say how long these keys live')
  return living(
    {
      Version: 1,
      AccessKeyId: keys.accessKey,
      SecretAccessKey: keys.secretKey,
      ...(keys.sessionToken !== undefined && { SessionToken: keys.sessionToken }),
      Expiration: ''
    },
    reply,
    now
  )
}

/** Counted from before the request, so that it never ends later here than there. */
function living(credential: Cached['credential'], { leaseId, leaseSeconds, renewable }: BrokerReply, issuedAt: number): Cached {
  const expiresAt = issuedAt + leaseSeconds * 1_000
  const Expiration = `${new Date(expiresAt).toISOString().slice(0, 19)}Z`
  return { credential: { ...credential, Expiration }, issuedAt, expiresAt, lease: leaseId, renewable }
}

function readCached(cache: CredentialCache): Cached | undefined {
  const parsed = cached.safeParse(cache.read())
  return parsed.success ? parsed.data : undefined
}

/** More than a third of its life is left. */
function isFresh({ issuedAt, expiresAt }: Cached): boolean {
  const left = expiresAt - Date.now()
  return left > (expiresAt - issuedAt) / 3 && left > 0
}
