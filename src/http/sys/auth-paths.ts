import { corePath } from '../../broker/core-path.ts'
import type { Call, CorePath } from '../../broker/core-path.ts'
import type { Mount } from '../../broker/mount.ts'
import type { Outcome } from '../../broker/request.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import { mountEntry } from './mount-entry.ts'
import { readTune, tuneFields, tuneMount } from './tune-mount.ts'

/** `sys/auth`: how callers log in. */
export const authPaths: readonly CorePath[] = [
  corePath({ pattern: 'auth', summary: 'every auth method', read: listMethods }),
  corePath({
    pattern: 'auth/*path',
    summary: 'one auth method',
    sudo: true,
    fields: { type: field.text(), description: field.text(), config: field.json(), options: field.map(), local: field.boolean() },
    read: readMethod,
    write: enableMethod,
    delete: removeMethod
  }),
  corePath({
    pattern: 'auth/*path/tune',
    summary: 'the settings of an auth method',
    sudo: true,
    fields: tuneFields,
    read: call => readTune(call, 'auth/'),
    write: call => tuneMount(call, 'auth/')
  })
]

async function listMethods({ parts }: Call<unknown>): Promise<Outcome> {
  const methods = parts.mounts.all.filter(({ record }) => record.path.startsWith('auth/'))
  return {
    data: Object.fromEntries(methods.map(mount => [mount.record.path.slice('auth/'.length), mountEntry(mount, parts.settings.version)]))
  }
}

async function readMethod(call: Call<unknown>): Promise<Outcome> {
  const mount = named(call)
  if (!mount) throw new BrokerError('invalid_request', `No auth engine at ${call.params['path']}/`)
  return { data: mountEntry(mount, call.parts.settings.version) }
}

/** No auth method but tokens is there yet, so no type is in the catalog. */
async function enableMethod(call: Call<{ type?: string | undefined }>): Promise<Outcome> {
  const { type } = call.fields
  if (!type) throw new BrokerError('invalid_request', 'backend type must be specified as a string')
  const present = named(call)
  if (present) throw new BrokerError('invalid_request', `path is already in use at ${present.record.path.slice('auth/'.length)}`)
  throw new BrokerError('invalid_request', `plugin not found in the catalog: ${/^[a-z0-9_-]{1,64}$/i.test(type) ? type : '(not shown)'}`)
}

async function removeMethod(call: Call<unknown>): Promise<Outcome> {
  if (named(call)) throw new BrokerError('invalid_request', 'token credential backend cannot be disabled')
  return undefined
}

function named({ parts, params }: Call<unknown>): Mount | undefined {
  return parts.mounts.all.find(({ record }) => record.path === `auth/${params['path']}/`)
}
