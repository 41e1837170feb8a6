import { setTimeout as wait } from 'node:timers/promises'
import type { Api } from './api.ts'

/** What the broker acknowledged: it must never be lost. */
export interface Acknowledged {
  readonly leases: Map<string, { readonly name: string; readonly ended: boolean }>
  readonly revokedTokens: string[]
}

export function nothingYet(): Acknowledged {
  return { leases: new Map(), revokedTokens: [] }
}

/** Clients that issue, renew, revoke and end tokens until `signal`. Errors of a dying broker are what this is about, so they are swallowed; a first one is only a connection to
 *  the broker before, that the client still had. */
export async function traffic(
  api: Api,
  credentials: string,
  acknowledged: Acknowledged,
  clients: number,
  signal: AbortSignal
): Promise<void> {
  await Promise.all(Array.from({ length: clients }, (_, client) => oneClient(api, credentials, acknowledged, client, signal)))
}

async function oneClient(api: Api, credentials: string, acknowledged: Acknowledged, client: number, signal: AbortSignal): Promise<void> {
  for (let turn = client; !signal.aborted; turn++) {
    try {
      await [issueOnly, issueAndRenew, issueAndRevoke, issueUnderChild, revokePrefix][turn % 5]!(api, credentials, acknowledged)
    } catch (error) {
      if (error instanceof TypeError) await wait(20)
    }
  }
}

type Turn = (api: Api, credentials: string, acknowledged: Acknowledged) => Promise<unknown>

const issueOnly: Turn = (api, credentials, acknowledged) => issue(api, credentials, acknowledged)

const issueAndRenew: Turn = async (api, credentials, acknowledged) => {
  const lease = await issue(api, credentials, acknowledged)
  if (lease) await api.ask('PUT', 'sys/leases/renew', { lease_id: lease, increment: 2 })
}

const issueAndRevoke: Turn = async (api, credentials, acknowledged) => {
  const lease = await issue(api, credentials, acknowledged)
  if (!lease) return
  const { status } = await api.ask('PUT', 'sys/leases/revoke', { lease_id: lease })
  if (status === 204) acknowledged.leases.set(lease, { ...acknowledged.leases.get(lease)!, ended: true })
}

const issueUnderChild: Turn = async (api, credentials, acknowledged) => {
  const { status, body } = await api.ask('POST', 'auth/token/create', { ttl: '1h' })
  if (status !== 200) return
  const child = Object.assign(Object.create(Object.getPrototypeOf(api)) as Api, api, { token: body.auth.client_token })
  await issue(child, credentials, acknowledged)
  const revoked = await api.ask('POST', 'auth/token/revoke', { token: child.token })
  if (revoked.status === 204) acknowledged.revokedTokens.push(child.token)
}

const revokePrefix: Turn = async (api, credentials, acknowledged) => {
  await issue(api, credentials, acknowledged)
  await api.ask('PUT', `sys/leases/revoke-prefix/${credentials}`, { sync: false })
}

async function issue(api: Api, credentials: string, acknowledged: Acknowledged): Promise<string | undefined> {
  const { status, body } = await api.ask('GET', credentials)
  if (status !== 200) return undefined
  acknowledged.leases.set(body.lease_id, { name: body.data.username, ended: false })
  return body.lease_id
}
