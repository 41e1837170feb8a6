import type { Attack } from './attack.ts'

const config = { by: 'root', method: 'POST', path: '/v1/database/config/other', status: 400 } as const
const known = { plugin_name: 'postgresql-database-plugin', username: 'u', password: '{canary}', verify_connection: false }
const structured = { ...known, host: 'db.example.com', database: 'app' }
const url = (text: string) => ({ ...known, connection_url: text })

/** What Go's templates can do and a name has no use for, and names that two callers would share. */
const hostileTemplates = [
  '{{.Token}}',
  '{{.}}',
  '{{$}}',
  '{{define "x"}}{{end}}{{random 20}}',
  '{{template "x"}}',
  '{{range .RoleName}}{{random 9}}{{end}}',
  '{{call .RoleName}}{{random 20}}',
  '{{html .RoleName}}{{random 20}}',
  '{{.RoleName.Method}}{{random 20}}',
  '{{printf "%[1]*d" 999999999 1}}{{random 20}}',
  '{{random 999999}}',
  `{{"a" | replace "a" "${'a'.repeat(99)}" | replace "a" "${'a'.repeat(99)}"}}{{random 20}}`,
  '('.repeat(500),
  `{{${'('.repeat(1_000)}`,
  '{{"',
  'v-{{.DisplayName | truncate 8}}-{{unix_time}}',
  '{{if eq .RoleName "app"}}app{{else}}{{random 20}}{{end}}'
]

/** Rows 70 and 72 to 76: what reaches a server is what we put together, and a mistake is refused by name. */
export const databaseAttacks: readonly Attack[] = [
  ...hostileTemplates.map((username_template): Attack => ({
    row: 70,
    what: username_template.slice(0, 60),
    ...config,
    body: { ...structured, username_template },
    says: 'invalid username template: '
  })),
  ...['{{rolename}}', '{{Password}}', '{{ }}'].map((placeholder): Attack => ({
    row: 72,
    what: placeholder,
    by: 'root',
    method: 'POST',
    path: '/v1/database/roles/other',
    body: { db_name: 'app', creation_statements: [`create role "{{name}}" password '{{password}}' in role ${placeholder}`] },
    status: 400
  })),
  ...[
    'postgresql://{{username}}:{canary}@/app?host=evil.example',
    'postgresql://u:{canary}@h/app?sslrootcert=/etc/shadow',
    'postgresql://u:{canary}@h/app?options=-c%20log_statement%3Dnone',
    'postgresql://u:{canary}@h/app?sslmode=disable&sslmode=verify-full',
    'postgresql://u:{canary}@%2fvar%2frun%2fpostgresql/app',
    'postgresql://u:{canary}/x@h/app',
    'mysql://u:{canary}@h/app?multipleStatements=true',
    'host=/var/run/postgresql user=u password={canary}',
    'http://u:{canary}@h/'
  ].map((text): Attack => ({ row: 73, what: text, ...config, body: url(text), says: 'connection_url' })),
  ...['allow', 'prefer', 'no-verify', 'DISABLE', 'x'].map((sslmode): Attack => ({
    row: 74,
    what: `sslmode=${sslmode}`,
    ...config,
    body: { ...structured, sslmode },
    says: 'sslmode'
  })),
  { row: 74, what: 'a file for a certificate', ...config, body: { ...structured, tls_ca: '/etc/shadow' }, says: 'tls_ca' },
  ...[
    '169.254.169.254',
    '/var/run/postgresql',
    'metadata.google.internal',
    '::ffff:169.254.169.254',
    '0.0.0.0',
    'fe80::1%eth0',
    '[fd00:ec2::254]'
  ].map((host): Attack => ({ row: 75, what: host, ...config, body: { ...structured, host }, says: 'host' })),
  ...[22, 80, 0, -1, 65_536].map((port): Attack => ({
    row: 75,
    what: `port ${port}`,
    ...config,
    body: { ...structured, port },
    says: 'port'
  })),
  {
    row: 76,
    what: 'a driver that is not there',
    ...config,
    body: { ...structured, plugin_name: 'oracle-database-plugin' },
    says: 'plugin_name'
  },
  { row: 73, what: 'a password that is none', ...config, body: { ...structured, password: { a: '{canary}' } }, says: 'password' },
  {
    row: 73,
    what: 'a wrong password at the server',
    by: 'root',
    method: 'POST',
    path: '/v1/database/config/app',
    body: { password: '{canary}' },
    status: 400
  }
]
