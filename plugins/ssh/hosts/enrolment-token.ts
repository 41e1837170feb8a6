import { BrokerError, field, path } from 'mayfly/plugin'
import type { BackendContext, MountReader, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { readHost } from './host-rows.ts'

const lifeSeconds = 3_600
const lifeSecondsMax = 86_400

type Row = { readonly host: string; readonly until: number }

/** `hosts/:host/token`: the right to enrol as this one host, once. Only a keyed hash of it is kept. */
export function tokenPath({ context }: Engine): Path {
  return path({
    pattern: 'hosts/:host/token',
    summary: 'a token that lets this host enrol, once',
    fields: { ttl: field.duration() },
    write: async ({ params, fields }, storage) => {
      const host = params['host'] ?? ''
      if (!(await readHost(storage, host)))
        throw new BrokerError('invalid_request', `no host ${host}: write its names to hosts/${host} first`)
      const ttl = fields.ttl || lifeSeconds
      if (ttl > lifeSecondsMax) throw new BrokerError('invalid_request', `ttl: at most ${lifeSecondsMax} seconds`)
      const token = `mhe.${Buffer.from(context.random.bytes(24)).toString('base64url')}`
      const until = context.clock.now().add({ seconds: ttl })
      const row: Row = { host, until: until.epochMilliseconds }
      storage.put(tokenKey(context, token), row, 0)
      storage.schedule('forget-host-token', tokenKey(context, token), until, { key: tokenKey(context, token) })
      return { data: { token, host, ttl } }
    }
  })
}

/** Whoever is first has it: the commit fails where it is gone. One sentence, whatever was wrong. */
export async function takeToken(context: BackendContext, storage: MountStorage, host: string, token: string): Promise<void> {
  const row = await tokenRow(context, storage, token)
  if (row?.host !== host || row.until <= context.clock.now().epochMilliseconds)
    throw new BrokerError('invalid_credentials', `token: not a token for ${host}, or used, or expired`)
  storage.take(tokenKey(context, token))
  storage.unschedule('forget-host-token', tokenKey(context, token))
}

async function tokenRow(context: BackendContext, storage: MountReader, token: string): Promise<Row | undefined> {
  if (!/^mhe\.[\w-]{32}$/.test(token)) return undefined
  return (await storage.get(tokenKey(context, token)))?.value as Row | undefined
}

const tokenKey = (context: BackendContext, token: string): string =>
  `host-tokens/${Buffer.from(context.mac(`host-token:${token}`)).toString('hex')}`
