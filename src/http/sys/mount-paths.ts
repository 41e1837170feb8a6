import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import { disableMount } from '../../broker/mounts/disable-mount.ts'
import type { Mount } from '../../broker/mounts/mount.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import { enableFields, enableMount } from './enable-mount.ts'
import { mountEntry } from './mount-entry.ts'
import { readTune, tuneFields, tuneMount } from './tune-mount.ts'

/** `sys/mounts`: the backends of this broker. */
export const mountPaths: readonly CorePath[] = [
  corePath({ pattern: 'mounts', summary: 'every mount', read: listMounts }),
  corePath({
    pattern: 'mounts/*path',
    summary: 'one mount: enable, show, disable with the revocation of its leases',
    fields: enableFields,
    read: readMount,
    write: enableMount,
    delete: removeMount
  }),
  corePath({
    pattern: 'mounts/*path/tune',
    summary: 'the settings of a mount',
    fields: tuneFields,
    read: call => readTune(call, ''),
    write: call => tuneMount(call, '')
  }),
  corePath({
    pattern: 'remount',
    summary: 'moving a mount is not offered',
    sudo: true,
    fields: { from: field.text(), to: field.text() },
    write: async () => {
      throw new BrokerError(
        'invalid_request',
        'moving a mount is not offered: enable a new one and disable the old one, which ends its leases as a move would'
      )
    }
  })
]

async function listMounts({ parts }: Call<unknown>): Promise<Outcome> {
  const mounts = parts.mounts.all.filter(isSecretMount)
  return { data: Object.fromEntries(mounts.map(mount => [mount.record.path, mountEntry(mount, parts.settings.version)])) }
}

async function readMount(call: Call<unknown>): Promise<Outcome> {
  const mount = named(call)
  if (!mount) throw new BrokerError('invalid_request', `No secret engine mount at ${call.params['path']}/`)
  return { data: mountEntry(mount, call.parts.settings.version) }
}

/** 204 for an unknown one too. */
async function removeMount(call: Call<unknown>): Promise<Outcome> {
  const mount = named(call)
  if (!mount) return undefined
  if (mount.kind === 'core') throw new BrokerError('invalid_request', `cannot unmount "${mount.record.path}"`)
  return disableMount(call, mount.record)
}

function named({ parts, params }: Call<unknown>): Mount | undefined {
  return parts.mounts.all.find(mount => isSecretMount(mount) && mount.record.path === `${params['path']}/`)
}

function isSecretMount({ record }: Mount): boolean {
  return !record.path.startsWith('auth/')
}
