import { resolve, sep } from 'node:path'
import type { AuditDevice } from '../../broker/trail/audit-devices.ts'
import { BrokerError } from '../../contracts/index.ts'

export interface DeviceFields {
  readonly type?: string | undefined
  readonly description?: string | undefined
  readonly options?: Readonly<Record<string, string>> | undefined
  readonly local?: boolean | undefined
}

const descriptionCharsMax = 1_024

/** What each option may say: only what is so anyway. An option that would weaken the trail, or write into somebody else's file, is refused and never ignored
 *  (CVE-2025-6000). */
const harmless: Readonly<Record<string, readonly string[]>> = {
  mode: ['', '0600', '600'],
  log_raw: ['', 'false', '0'],
  hmac_accessor: ['', 'true', '1'],
  elide_list_responses: ['', 'false', '0'],
  format: ['', 'json'],
  prefix: [''],
  fallback: ['', 'false', '0'],
  filter: [''],
  exclude: ['']
}

/** An audit device as the caller describes it: a file below the audit directory. */
export function auditDevice(path: string, fields: DeviceFields, auditDirectory: string | undefined): AuditDevice {
  const { type = '', description = '', options = {} } = fields
  if (!/^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?$/.test(path)) throw refusal('path: expected letters, digits, "_", "-" and "."')
  if (type !== 'file') throw refusal(`unknown backend type: "${/^[a-z0-9_-]{0,32}$/i.test(type) ? type : '(not shown)'}"`)
  if (fields.local) throw refusal('local is not offered')
  if (description.length > descriptionCharsMax) throw refusal(`description: at most ${descriptionCharsMax} characters`)
  for (const [name, value] of Object.entries(options)) {
    if (name === 'file_path' || name === 'path') continue
    if (!Object.hasOwn(harmless, name) || !harmless[name]!.includes(value))
      throw refusal(`options.${/^[a-z_]{1,40}$/.test(name) ? name : '(not shown)'} is not offered`)
  }
  return {
    path: `${path}/`,
    type: 'file',
    description,
    filePath: inside(auditDirectory, options['file_path'] || options['path'] || ''),
    options
  }
}

function inside(auditDirectory: string | undefined, asked: string): string {
  if (auditDirectory === undefined) throw refusal('cannot enable audit device via API: the configuration has no audit_dir')
  if (asked === '') throw refusal('options.file_path is required')
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (asked.length > 1_024 || /[\u0000-\u001f\u007f]/.test(asked)) throw refusal('options.file_path: expected a plain path')
  const path = resolve(auditDirectory, asked)
  if (!path.startsWith(auditDirectory.endsWith(sep) ? auditDirectory : `${auditDirectory}${sep}`))
    throw refusal('cannot enable audit device via API: options.file_path must lie below the configured audit_dir')
  return path
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
