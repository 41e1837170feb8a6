import { BrokerError, z } from 'mayfly/plugin'
import type { CommandCall } from 'mayfly/plugin'

/** Where psql connects to, in the words of libpq. */
export interface PsqlPlace {
  /** Several are parted by commas, and so are their ports. */
  readonly host: string
  readonly port: string | undefined
  readonly database: string | undefined
  readonly sslmode: string | undefined
  readonly ca: string | undefined
}

const told = z.object({
  hosts: z.array(z.object({ host: z.string().min(1), port: z.number() })).min(1),
  database: z.string(),
  sslmode: z.string(),
  tls_ca: z.string().optional()
})

/** What was typed, else what the broker tells, else the user's own environment. */
export async function psqlPlace(call: CommandCall, path: string): Promise<PsqlPlace> {
  const typed = { host: call.option('host'), port: call.option('port'), database: call.option('dbname') }
  const answer = await call.read(path)
  const place = told.safeParse(answer).data
  if (answer !== undefined && !place)
    throw new BrokerError(
      'invalid_request',
      `role: its server is no PostgreSQL (${path}): another command, such as mayfly mysql, may open it`
    )
  const host = typed.host ?? place?.hosts.map(one => one.host).join(',') ?? (call.env['PGHOST'] || undefined)
  if (host === undefined)
    throw new BrokerError('invalid_request', `host: the broker does not tell you where the database is (${path}): --host, or PGHOST`)
  return {
    host,
    // Behind a tunnel there is one.
    port:
      typed.port ??
      place?.hosts
        .map(one => one.port)
        .slice(0, typed.host === undefined ? undefined : 1)
        .join(',') ??
      call.env['PGPORT'],
    database: typed.database ?? place?.database ?? call.env['PGDATABASE'],
    sslmode: place?.sslmode,
    ca: place?.tls_ca
  }
}
