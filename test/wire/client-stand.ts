/** What every client needs to prove itself: a broker, a real PostgreSQL behind it, and a home of its own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { bao, python } from '../targets/missing.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { serveInMemory } from './serve-in-memory.ts'
import type { Served } from './serve-in-memory.ts'

export interface Login {
  readonly username: string
  readonly password: string
}

export interface ClientStand extends AsyncDisposable {
  readonly broker: Served
  /** A folder that clients may write to. */
  readonly home: string
  readonly auditFolder: string
  /** The fields of a connection to the PostgreSQL. */
  readonly connection: Readonly<Record<string, string>>
  mayLogIn(login: Login): Promise<boolean>
  /** Drops a user whom the broker was told to forget. */
  drop(login: Login): Promise<void>
}

/** What makes a user who may read. */
export const creation = `create role "{{name}}" login password '{{password}}' valid until '{{expiration}}' in role app_ro`

export async function openStand(): Promise<ClientStand> {
  const postgres = await sharedPostgres()
  const home = await mkdtemp(join(tmpdir(), 'mayfly-clients-'))
  const auditFolder = join(home, 'audit')
  const broker = await serveInMemory({ audit_dir: auditFolder })
  return {
    broker,
    home,
    auditFolder,
    connection: connection(postgres),
    mayLogIn: ({ username, password }) => mayLogIn(postgres, username, password),
    drop: async ({ username }) => void (await postgres.query(`drop role "${username}"`)),
    async [Symbol.asyncDispose]() {
      await endMounts(broker)
      await broker[Symbol.asyncDispose]()
      await postgres[Symbol.asyncDispose]()
      await rm(home, { recursive: true })
    }
  }
}

/** With all that was issued: the PostgreSQL is not ours alone. */
async function endMounts(broker: Served): Promise<void> {
  const { data } = (await broker.ask('GET', 'sys/mounts')).json as { data: Readonly<Record<string, { readonly type: string }>> }
  for (const [path, { type }] of Object.entries(data))
    if (type === 'database') await broker.ask('DELETE', `sys/mounts/${path.slice(0, -1)}`)
}

function connection({ host, port, admin }: PostgresAccess): ClientStand['connection'] {
  return {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: '*',
    connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
    username: admin.user,
    password: admin.password
  }
}

/** Refused is an answer; a server that cannot be asked is none. */
async function mayLogIn(postgres: PostgresAccess, user: string, password: string): Promise<boolean> {
  try {
    return (await postgres.query('select name from customers', [], { user, password, database: 'app' })).length > 0
  } catch (error) {
    if (['28000', '28P01'].includes((error as { code?: string }).code ?? '')) return false
    throw error
  }
}

/** How a program ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The `bao` command as somebody types it, with nothing of this process's environment. */
export function runBao(address: string, token: string, home: string, args: readonly string[], input = ''): Promise<Ended> {
  return run(bao, args, { HOME: home, BAO_ADDR: address, ...(token === '' ? {} : { BAO_TOKEN: token }) }, input)
}

/** A script of hvac. What it is given stands in `MAYFLY`. */
export function runPython(script: string, given: unknown): Promise<Ended> {
  return run(python, [join(import.meta.dirname, script)], { MAYFLY: JSON.stringify(given) })
}

function run(file: string, args: readonly string[], env: Readonly<Record<string, string>>, input = ''): Promise<Ended> {
  return new Promise(resolve => {
    const child = execFile(file, args, { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr })
    )
    child.stdin?.end(input)
  })
}
