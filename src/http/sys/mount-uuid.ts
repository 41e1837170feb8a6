import type { Parts } from '../../broker/parts.ts'
import { BrokerError } from '../../contracts/index.ts'

/** The mount that a field names by its path, with or without its slash. */
export function mountUuid(path: string, { mounts }: Pick<Parts, 'mounts'>): string {
  const mount = mounts.all.find(({ record }) => record.path === `${path.replace(/\/+$/, '')}/`)
  if (!mount) throw new BrokerError('invalid_request', 'mount: no mount at this path')
  return mount.record.uuid
}
