import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import { disableMount } from '../../broker/mounts/disable-mount.ts'
import type { Mount } from '../../broker/mounts/mount.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError } from '../../contracts/index.ts'
import { enableFields, enableMount } from './enable-mount.ts'
import { mountEntry } from './mount-entry.ts'
import { readTune, tuneFields, tuneMount } from './tune-mount.ts'

const prefix = 'auth/'

/** `sys/auth`: how callers log in. */
export const authPaths: readonly CorePath[] = [
  corePath({ pattern: 'auth', summary: 'every auth method', read: listMethods }),
  corePath({
    pattern: 'auth/*path',
    summary: 'one auth method: enable, show, disable with the end of every token that it gave',
    sudo: true,
    fields: enableFields,
    read: readMethod,
    write: call => enableMount(call, prefix),
    delete: removeMethod
  }),
  corePath({
    pattern: 'auth/*path/tune',
    summary: 'the settings of an auth method',
    sudo: true,
    fields: tuneFields,
    read: call => readTune(call, prefix),
    write: call => tuneMount(call, prefix)
  })
]

async function listMethods({ parts }: Call<unknown>): Promise<Outcome> {
  const methods = parts.mounts.all.filter(({ record }) => record.path.startsWith(prefix))
  return {
    data: Object.fromEntries(methods.map(mount => [mount.record.path.slice(prefix.length), mountEntry(mount, parts.settings.version)]))
  }
}

async function readMethod(call: Call<unknown>): Promise<Outcome> {
  const mount = named(call)
  if (!mount) throw new BrokerError('invalid_request', `No auth engine at ${call.params['path']}/`)
  return { data: mountEntry(mount, call.parts.settings.version) }
}

/** 204 for an unknown one too. Tokens are how a caller presents itself: without that method nobody could. */
async function removeMethod(call: Call<unknown>): Promise<Outcome> {
  const mount = named(call)
  if (!mount) return undefined
  if (mount.kind === 'core') throw new BrokerError('invalid_request', 'token credential backend cannot be disabled')
  return disableMount(call, mount.record)
}

function named({ parts, params }: Call<unknown>): Mount | undefined {
  return parts.mounts.all.find(({ record }) => record.path === `${prefix}${params['path']}/`)
}
