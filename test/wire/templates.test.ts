/** The same templates in a real OpenBao and here: the part of a name that is not random is the same. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { startOpenbao } from './openbao-server.ts'
import { sendWire, serveUnderOneShare } from './serve-in-memory.ts'

// Each is the whole name but for a dash and ten random characters at its end.
const templates = [
  '{{.RoleName | truncate 8}}_{{truncate 3 .RoleName}}',
  '{{printf "v-%s-%d-%v" (.RoleName | truncate 4) 7 "x" | uppercase}}',
  '{{.RoleName | truncate_sha256 12}}',
  '{{truncate_sha256 40 .RoleName}}',
  '{{.RoleName | sha256 | truncate 30}}',
  '{{.RoleName | hex | truncate 30}}',
  '{{.RoleName | hex | decode_hex | lowercase | truncate 30}}',
  '{{.RoleName | base64 | truncate 30}}',
  '{{.RoleName | base64 | decode_base64 | truncate 30}}',
  '{{.RoleName | replace "e" "3" | replace "-" "_" | truncate 30}}',
  '{{timestamp "2006-01-02" }}_{{timestamp "Jan_Mon_MST"}}',
  '{{if eq .DisplayName "token" "root"}}robot{{else}}person{{end}}',
  '{{if and (glob "read*" .RoleName) (not (eq 1 2)) (ne .RoleName "x")}}reads{{else if .RoleName}}writes{{end}}',
  '{{if or "" 0}}a{{else}}b{{end}}  {{- "c" -}}  d',
  '{{`raw`}}{{"quo-ted"}}{{ 12 }}',
  '{{(.RoleName | truncate 3) | printf "%s-%s" "x"}}'
]

const role = 'readers-of-everything'

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('a template of user names beside a real OpenBao', () => {
  let postgres: PostgresAccess
  let here: Readonly<Record<string, string>>
  let there: Readonly<Record<string, string>>
  beforeAll(async () => {
    postgres = await sharedPostgres()
    await using openbao = await startOpenbao()
    await using mayfly = await serveUnderOneShare()
    here = await names(postgres, mayfly.address, mayfly.root)
    there = await names(postgres, openbao.address, openbao.root)
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test.each(templates)('%s makes the same', template => {
    const [ours, theirs] = [here[template]!, there[template]!]
    expect(ours).toMatch(/^[\w-]+-[0-9A-Za-z]{10}$/)
    expect(ours.slice(0, -11)).toBe(theirs.slice(0, -11))
  })
})

async function names(postgres: PostgresAccess, address: string, root: string): Promise<Readonly<Record<string, string>>> {
  const { host, port, admin } = postgres
  const ask = async (method: string, path: string, body?: object) => {
    const reply = await sendWire(`${address}/v1/${path}`, method, body, root)
    if (reply.status >= 400) throw new Error(`${path}: ${reply.body}`)
    return reply.json as { data: { username: string } }
  }
  await ask('POST', 'sys/mounts/templates', { type: 'database' })
  await ask('POST', `templates/roles/${role}`, {
    db_name: 'app',
    creation_statements: ['create role "{{name}}"'],
    revocation_statements: ['drop role if exists "{{name}}"']
  })
  const seen: Record<string, string> = {}
  for (const template of templates) {
    await ask('POST', 'templates/config/app', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: role,
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password,
      username_template: `${template}-{{random 10}}`
    })
    seen[template] = (await ask('GET', `templates/creds/${role}`)).data.username
  }
  await ask('PUT', 'sys/leases/revoke-prefix/templates/creds', { sync: true })
  return seen
}
