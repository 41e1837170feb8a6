/** The configuration: a file and a few words of the environment, read once, frozen. All mistakes are reported at once, each with its key; unknown keys are mistakes. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { isIP } from 'node:net'
import { LineCounter, parseDocument } from 'yaml'
import { BrokerError, parseDuration, z } from './contracts/index.ts'

export interface Config {
  readonly listener: {
    readonly host: string
    readonly port: number
    readonly tls: ListenerTls | undefined
  }
  /** The data folder, or memory. */
  readonly storage: { readonly path: string; readonly witness: string | undefined } | 'memory'
  readonly seal: { readonly kind: 'shamir' } | { readonly kind: 'key_file'; readonly path: string }
  readonly audit: readonly AuditSinkConfig[]
  readonly auditDirectory: string | undefined
  readonly auditKeep: number
  readonly historyTtl: number
  readonly observeEvery: number
  readonly defaultTtl: number
  readonly maxTtl: number
  readonly credentialTtl: number
  readonly plugins: readonly string[]
  readonly targetTls: 'any' | 'verified'
  /** Addresses beyond those that are known to be a target's, such as a VPC endpoint of AWS. */
  readonly targetEndpoints: readonly string[]
  /** `sys/metrics` answers without a token. */
  readonly metricsOpen: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

/** PEM files, or a private CA of our own and the names that its certificate is for besides those of the machine. */
export type ListenerTls =
  | { readonly kind: 'files'; readonly cert: string; readonly key: string; readonly clientCa: string | undefined }
  | { readonly kind: 'auto'; readonly names: readonly string[] }

export type AuditSinkConfig = { readonly type: 'file'; readonly path: string } | { readonly type: 'stdout' }

const duration = (fallback: string) =>
  z
    .union([z.string(), z.int()], 'expected a duration such as "30d", "1h30m" or seconds')
    .default(fallback)
    .transform((value, context) => {
      try {
        const seconds = parseDuration(value)
        if (seconds) return seconds
      } catch {
        // told below
      }
      context.addIssue('expected a duration above 0 such as "30d", "1h30m" or seconds')
      return z.NEVER
    })

const empty = z.strictObject({}).nullable()

const schema = z.strictObject({
  listener: z.strictObject({
    address: z.string().default('127.0.0.1:8200'),
    tls: z
      .union(
        [
          z.literal(['off', 'auto']),
          z.literal(false),
          z.strictObject({ auto: z.array(z.string().min(1)) }),
          z.strictObject({ cert: z.string(), key: z.string(), client_ca: z.string().optional() })
        ],
        'expected "auto", { auto: [NAMES] }, { cert, key, client_ca? } or "off"'
      )
      .default('auto'),
    insecure: z.boolean().default(false)
  }),
  storage: z.union(
    [
      z.strictObject({ sqlite: z.strictObject({ path: z.string().min(1), witness: z.string().min(1).optional() }) }),
      z.strictObject({ memory: empty })
    ],
    'expected { sqlite: { path, witness? } } or { memory: {} }'
  ),
  seal: z
    .union(
      [z.strictObject({ key_file: z.string().min(1) }), z.strictObject({ shamir: empty })],
      'expected { key_file: FILE } or { shamir: {} }'
    )
    .default({ shamir: {} }),
  audit: z
    .array(
      z.union(
        [z.strictObject({ type: z.literal('file'), path: z.string().min(1) }), z.strictObject({ type: z.literal('stdout') })],
        'expected { type: file, path } or { type: stdout }'
      )
    )
    .default([]),
  audit_dir: z.string().min(1).optional(),
  audit_keep: duration('30d'),
  history_ttl: duration('30d'),
  observe_every: duration('15m'),
  default_ttl: duration('768h'),
  max_ttl: duration('768h'),
  credential_ttl: duration('1h'),
  plugins: z.array(z.string().min(1)).default([]),
  targets: z
    .strictObject({
      tls: z.enum(['any', 'verified']).default('any'),
      endpoints: z
        .array(z.string().refine(isOrigin, 'expected an address such as https://HOST or http://HOST:PORT, and nothing behind it'))
        .default([])
    })
    .default({ tls: 'any', endpoints: [] }),
  metrics: z.strictObject({ unauthenticated: z.boolean().default(false) }).default({ unauthenticated: false }),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info')
})

/** Throws `invalid_request` with one line per mistake. */
export function readConfig(file: string): Config {
  const text = read(file)
  return parseConfig(text, resolve(dirname(file)), file)
}

export function parseConfig(text: string, folder: string, name = 'configuration'): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true })
  if (document.errors.length > 0)
    throw mistakes(
      name,
      document.errors.map(error => error.message.split('\n')[0]!)
    )
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 0 }) ?? {})
  if (!parsed.success) throw mistakes(name, parsed.error.issues.flatMap(issueLines))
  const { data } = parsed
  const absolute = (path: string) => (isAbsolute(path) ? path : join(folder, path))
  const contradictions = [
    ...listenerMistakes(data.listener),
    ...(isAuto(data.listener.tls) && 'memory' in data.storage
      ? ['listener.tls: "auto" keeps its CA in the data folder, and storage.memory has none']
      : []),
    ...placeMistakes(toConfig(data, absolute)),
    ...(data.default_ttl > data.max_ttl ? ['default_ttl: longer than max_ttl'] : [])
  ]
  if (contradictions.length > 0) throw mistakes(name, contradictions)
  return Object.freeze(toConfig(data, absolute))
}

const unread: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder'
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new BrokerError(
      'invalid_request',
      `cannot read the configuration file ${file}: ${cause instanceof Error && 'code' in cause ? (unread[String(cause.code)] ?? String(cause.code)) : 'unreadable'}`,
      { cause }
    )
  }
}

function issueLines(issue: z.core.$ZodIssue): readonly string[] {
  const at = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => `${[...issue.path, key].join('.')}: unknown key`)
  return [`${at || 'file'}: ${issue.code === 'invalid_type' && issue.input === undefined ? 'is missing' : issue.message}`]
}

function mistakes(name: string, lines: readonly string[]): BrokerError {
  return new BrokerError(
    'invalid_request',
    [`${name} has ${lines.length === 1 ? 'a mistake' : `${lines.length} mistakes`}:`, ...lines.map(line => `  ${line}`)].join('\n')
  )
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text
}

function listenerMistakes(listener: z.output<typeof schema>['listener']): readonly string[] {
  const at = splitAddress(listener.address)
  if (!at) return ['listener.address: expected HOST:PORT']
  const plain = listener.tls === 'off' || listener.tls === false
  if (plain && !isLoopback(at.host) && !listener.insecure)
    return [
      'listener.tls: "off" is for loopback addresses only; elsewhere say insecure: true as well, and know that every secret travels in clear'
    ]
  return []
}

function splitAddress(address: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  return match && port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : undefined
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function isAuto(tls: z.output<typeof schema>['listener']['tls']): boolean {
  return tls === 'auto' || (typeof tls === 'object' && 'auto' in tls)
}

function toTls(tls: z.output<typeof schema>['listener']['tls'], path: (relative: string) => string): ListenerTls | undefined {
  if (tls === 'auto') return { kind: 'auto', names: [] }
  if (typeof tls !== 'object') return undefined
  if ('auto' in tls) return { kind: 'auto', names: tls.auto }
  return {
    kind: 'files',
    cert: path(tls.cert),
    key: path(tls.key),
    clientCa: tls.client_ca === undefined ? undefined : path(tls.client_ca)
  }
}

function toStorage(storage: z.output<typeof schema>['storage'], path: (relative: string) => string): Config['storage'] {
  if (!('sqlite' in storage)) return 'memory'
  const { witness } = storage.sqlite
  return { path: path(storage.sqlite.path), witness: witness === undefined ? undefined : path(witness) }
}

/** A witness in the data folder would be copied and put back with it; whoever may enable a sink must not be able to name a file of the store; and two writers of one file would tear each
 *  other's lines. */
function placeMistakes({ storage, audit, auditDirectory }: Config): readonly string[] {
  const sinks = audit.map(sink => (sink.type === 'file' ? resolve(sink.path) : sink.type))
  const twice = new Set(sinks).size < sinks.length ? ['audit: the same place is named twice'] : []
  if (storage === 'memory') return twice
  const { path, witness } = storage
  return [
    ...twice,
    ...(witness !== undefined && isWithin(path, witness)
      ? ['storage.sqlite.witness: expected a file outside of the data folder, best on another file system']
      : []),
    ...(auditDirectory !== undefined && isWithin(auditDirectory, path)
      ? ['audit_dir: expected a folder that does not hold the data folder, such as "audit" in it']
      : [])
  ]
}

function isWithin(folder: string, path: string): boolean {
  return relative(folder, path).split(sep)[0] !== '..'
}

function toConfig(data: z.output<typeof schema>, path: (relative: string) => string): Config {
  const storage = toStorage(data.storage, path)
  return {
    listener: {
      ...splitAddress(data.listener.address)!,
      tls: toTls(data.listener.tls, path)
    },
    storage,
    seal: 'key_file' in data.seal ? { kind: 'key_file', path: path(data.seal.key_file) } : { kind: 'shamir' },
    audit: data.audit.map(sink => (sink.type === 'file' ? { type: 'file', path: path(sink.path) } : sink)),
    auditDirectory: data.audit_dir !== undefined ? path(data.audit_dir) : storage === 'memory' ? undefined : join(storage.path, 'audit'),
    auditKeep: data.audit_keep,
    historyTtl: data.history_ttl,
    observeEvery: data.observe_every,
    defaultTtl: data.default_ttl,
    maxTtl: data.max_ttl,
    credentialTtl: data.credential_ttl,
    plugins: data.plugins.map(plugin => (plugin.startsWith('.') || isAbsolute(plugin) ? path(plugin) : plugin)),
    targetTls: data.targets.tls,
    targetEndpoints: data.targets.endpoints,
    metricsOpen: data.metrics.unauthenticated,
    logLevel: data.log_level
  }
}
