import type { AuditDevice } from '../../broker/trail/audit-devices.ts'
import type { Call } from '../../broker/door/core-path.ts'
import { commit } from '../../broker/door/exchange.ts'
import type { Parts } from '../../broker/parts.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { putEntry } from '../../broker/mounts/sealed-rows.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { auditDevice } from './audit-device.ts'
import type { DeviceFields } from './audit-device.ts'
import { auditDevices } from './audit-devices-now.ts'

/** Adds a sink to the trail. It counts only after a test write: a device that cannot be written would stop the broker later. */
export async function enableAudit(call: Call<DeviceFields>): Promise<Outcome> {
  const { parts, params, fields } = call
  const device = auditDevice(params['path'] ?? '', fields, parts.settings.auditDirectory)
  await refuseTaken(parts, device)
  call.change(putEntry(parts.barrier, 'audit', device.path, device as unknown as JsonObject, 0))
  return { wait: () => open(parts, device) }
}

async function refuseTaken(parts: Parts, device: AuditDevice): Promise<void> {
  const devices = await auditDevices(parts)
  if (devices.some(({ path }) => path === device.path)) throw new BrokerError('invalid_request', 'path already in use')
  // Two writers of one file would tear each other's lines.
  if (devices.some(({ filePath }) => filePath === device.filePath) || parts.sinks.has(`file:${device.filePath}`))
    throw new BrokerError('invalid_request', 'options.file_path: another device writes there')
}

async function open(parts: Parts, device: AuditDevice): Promise<Outcome> {
  try {
    await parts.sinks.reload()
    await parts.sinks.check(`file:${device.filePath}`)
    return undefined
  } catch (cause) {
    await commit(parts, [{ kind: 'entry.remove', now: parts.clock.now(), space: 'audit', key: device.path }], [])
    await parts.sinks.reload()
    throw new BrokerError('invalid_request', 'the audit device cannot be written to', { cause })
  }
}

/** 204 for an unknown one too. What the configuration names stays until the configuration changes. */
export async function disableAudit(call: Call<unknown>): Promise<Outcome> {
  const { parts, params } = call
  const path = `${params['path']}/`
  const devices = await auditDevices(parts)
  if (devices.some(device => device.path === path)) {
    call.change({ kind: 'entry.remove', space: 'audit', key: path })
    call.afterCommit(() => parts.sinks.reload())
  } else if (parts.sinks.has(params['path'] ?? ''))
    throw new BrokerError('invalid_request', 'this audit device is named in the configuration')
  return undefined
}
