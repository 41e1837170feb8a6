import { readFileSync } from 'node:fs'
import type { ClientOptions } from '../client/client.ts'
import type { Io } from './io.ts'
import type { Format } from './terminal.ts'
import type { Typed } from './typed.ts'
import { UsageError } from './usage-error.ts'

export const settingsHelp = `Environment, each also as BAO_… and VAULT_… (the first that is set counts):
  MAYFLY_ADDR          the server (default http://127.0.0.1:8200)
  MAYFLY_TOKEN         the token; else what login has stored in ~/.mayfly-token, else ~/.vault-token
  MAYFLY_TOKEN_FILE    a file with the token, where MAYFLY_TOKEN is not set
  MAYFLY_CACERT        the authorities to trust, a PEM file
  MAYFLY_CLIENT_CERT, MAYFLY_CLIENT_KEY   what to show where the server asks for a certificate
  MAYFLY_FORMAT        table, json or yaml`

const addressDefault = 'http://127.0.0.1:8200'

/** The same setting under the names of the clients that people come from. */
export function fromEnvironment(env: Io['env'], name: string): { readonly value: string; readonly from: string } | undefined {
  for (const from of [`MAYFLY_${name}`, `BAO_${name}`, `VAULT_${name}`]) {
    const value = env[from]
    if (value !== undefined && value !== '') return { value, from }
  }
  return undefined
}

export function formatOf(typed: Typed, env: Io['env']): Format {
  const said = typed.text('format') ?? fromEnvironment(env, 'FORMAT')?.value ?? 'table'
  if (said !== 'table' && said !== 'json' && said !== 'yaml') throw new UsageError('format: expected table, json or yaml')
  return said
}

/** All but the token. */
export function connectionOf(typed: Typed, env: Io['env']): Omit<ClientOptions, 'token'> {
  const said = (flag: string, name: string) => typed.text(flag) ?? fromEnvironment(env, name)?.value
  return {
    address: said('address', 'ADDR') ?? addressDefault,
    ...pem('ca', said('caCert', 'CACERT')),
    ...pem('cert', said('clientCert', 'CLIENT_CERT')),
    ...pem('key', said('clientKey', 'CLIENT_KEY'))
  }
}

// Whoever set one in the shell long ago does not think of it at a command that names no file.
const settingOf = { ca: 'MAYFLY_CACERT', cert: 'MAYFLY_CLIENT_CERT', key: 'MAYFLY_CLIENT_KEY' }

function pem(key: 'ca' | 'cert' | 'key', file: string | undefined): Partial<ClientOptions> {
  if (file === undefined) return {}
  const text = readNamedFile(file, ` (${settingOf[key]})`)
  if (!text.includes('-----BEGIN ')) throw new UsageError(`${file}: expected PEM`)
  return { [key]: text }
}

/** A file that the user named. */
export function readNamedFile(file: string, namedBy = ''): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'error'})${namedBy}`, { cause: error })
  }
}
