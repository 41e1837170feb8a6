import { corePath } from '../../broker/door/core-path.ts'
import type { CorePath } from '../../broker/door/core-path.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import { auditDevices, auditTable } from './audit-devices-now.ts'
import { disableAudit, enableAudit } from './enable-audit.ts'

/** `sys/audit`: where the trail goes, and what proves it. */
export const auditPaths: readonly CorePath[] = [
  corePath({
    pattern: 'audit',
    summary: 'where the trail goes',
    sudo: true,
    read: async ({ parts }) => ({ data: await auditTable(parts) })
  }),
  corePath({
    pattern: 'audit/checkpoint-key',
    summary: 'the public key that proves the trail',
    sudo: true,
    // Verifying takes it from here and never from the file that it proves.
    read: async ({ parts }) => ({ data: { public_key: parts.trail.checkpointKey, key_id: parts.trail.checkpointKeyId } })
  }),
  corePath({
    pattern: 'audit/:path',
    summary: 'one more place for the trail',
    sudo: true,
    fields: { type: field.text(), description: field.text(), options: field.map(), local: field.boolean() },
    write: enableAudit,
    delete: disableAudit
  }),
  corePath({
    pattern: 'audit-hash/:path',
    summary: 'what a value reads as in the trail',
    fields: { input: field.text() },
    write: async ({ parts, params, fields }) => {
      const path = params['path'] ?? ''
      const devices = await auditDevices(parts)
      if (!devices.some(device => device.path === `${path}/`) && !parts.sinks.has(path))
        throw new BrokerError('invalid_request', `unknown audit backend "${path}/"`)
      if (!fields.input) throw new BrokerError('invalid_request', 'the "input" parameter is empty')
      return { data: { hash: parts.trail.hash(fields.input) } }
    }
  })
]
