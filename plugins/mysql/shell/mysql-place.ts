import { BrokerError, z } from 'mayfly/plugin'
import type { CommandCall } from 'mayfly/plugin'

/** Where the client connects to. */
export interface MysqlPlace {
  readonly host: string
  readonly port: string | undefined
  readonly database: string | undefined
  readonly tls: 'true' | 'skip-verify' | 'false' | undefined
  readonly ca: string | undefined
}

const told = z.object({
  hosts: z.array(z.object({ host: z.string().min(1), port: z.number() })).min(1),
  database: z.string(),
  tls: z.enum(['true', 'skip-verify', 'false']),
  tls_ca: z.string().optional()
})

/** What was typed, else what the broker tells, else the user's own environment. Of several hosts the client takes one: the first. */
export async function mysqlPlace(call: CommandCall, path: string): Promise<MysqlPlace> {
  const typed = { host: call.option('host'), port: call.option('port'), database: call.option('dbname') }
  const answer = await call.read(path)
  const place = told.safeParse(answer).data
  if (answer !== undefined && !place)
    throw new BrokerError(
      'invalid_request',
      `role: its server is no MySQL or MariaDB (${path}): another command, such as mayfly psql, may open it`
    )
  const [first] = place?.hosts ?? []
  const host = typed.host ?? first?.host ?? (call.env['MYSQL_HOST'] || undefined)
  if (host === undefined)
    throw new BrokerError('invalid_request', `host: the broker does not tell you where the database is (${path}): --host, or MYSQL_HOST`)
  const values = [host, typed.port, typed.database, place?.database].filter(value => value !== undefined)
  if (values.some(value => /[\0\r\n]/.test(value)))
    throw new BrokerError('invalid_request', 'host, port and database: no control characters')
  return {
    host,
    port: typed.port ?? (first && String(first.port)) ?? call.env['MYSQL_TCP_PORT'],
    database: typed.database ?? (place?.database || undefined),
    tls: place?.tls,
    ca: place?.tls_ca
  }
}
