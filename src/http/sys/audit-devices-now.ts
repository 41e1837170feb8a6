import type { AuditDevice } from '../../broker/trail/audit-devices.ts'
import type { Parts } from '../../broker/parts.ts'
import { entryPlace } from '../../broker/mounts/sealed-rows.ts'
import type { JsonObject } from '../../contracts/index.ts'

/** The devices that were enabled through `sys/audit`. */
export async function auditDevices({ store, barrier }: Pick<Parts, 'store' | 'barrier'>): Promise<readonly AuditDevice[]> {
  const { entries } = await store.entries('audit')
  return entries.map(({ key, value }) => barrier.openJson(entryPlace('audit', key), value) as unknown as AuditDevice)
}

/** All of them as `sys/audit` shows them; those that the configuration names stand under the name of their sink. */
export async function auditTable(parts: Pick<Parts, 'store' | 'barrier' | 'sinks'>): Promise<JsonObject> {
  const devices = await auditDevices(parts)
  const enabled = devices.map(
    device => [device.path, shown(device.path, device.type, device.description, { ...device.options, file_path: device.filePath })] as const
  )
  const ours = new Set(devices.map(device => `file:${device.filePath}`))
  const configured = parts.sinks.state
    .filter(({ name }) => !ours.has(name))
    .map(({ name }) => [`${name}/`, shown(`${name}/`, name.startsWith('file:') ? 'file' : name, 'named in the configuration', {})] as const)
  return Object.fromEntries([...enabled, ...configured])
}

function shown(path: string, type: string, description: string, options: Readonly<Record<string, string>>): JsonObject {
  return { path, type, description, options, local: false }
}
