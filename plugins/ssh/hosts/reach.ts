import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { BrokerError, field, isForbiddenAddress, path } from 'mayfly/plugin'
import type { MountReader, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { parseKeyLine, writeKeyLine } from '../format/key-line.ts'
import { publicPart } from '../format/key-object.ts'
import { writeOpenSshKey } from '../format/write-openssh-key.ts'
import type { HostPlace } from './host-connection.ts'
import { readHost, writeHost } from './host-rows.ts'
import type { Host } from './host-rows.ts'
import { hostKeyRow, pushKrl, refuseTooManyReached, schedulePush } from './schedule-pushes.ts'

type KeyRow = { readonly privateKey: string; readonly publicKey: string }

/** `hosts/:host/reach`: a host without a helper. The broker logs in there with a key that is made for this host, and only when it shows the key that is pinned here. */
export function reachPath(engine: Engine): Path {
  return path({
    pattern: 'hosts/:host/reach',
    summary: 'how the broker itself reaches a host that has no helper, to install the KRL and end sessions',
    fields: { address: field.text(), port: field.integer(), user: field.text(), host_key: field.text(), prefix: field.text() },
    read: async ({ params }, storage) => {
      const name = params['host'] ?? ''
      const reached = (await readHost(storage, name))?.host.reached
      if (!reached) return undefined
      const { publicKey } = (await storage.get(hostKeyRow(name)))!.value as KeyRow
      const { address, port, user, hostKey, krlVersion, error } = reached
      return {
        data: {
          address,
          port,
          user,
          host_key: hostKey,
          krl_version: krlVersion,
          last_error: error,
          authorized_key: `restrict ${publicKey}`
        }
      }
    },
    write: async ({ params, fields }, storage) => {
      const name = params['host'] ?? ''
      const stored = await readHost(storage, name)
      if (!stored) throw new BrokerError('invalid_request', `no host ${name}: write its names to hosts/${name} first`)
      if (!stored.host.reached) await refuseTooManyReached(storage)
      const reached = { ...checkedPlace(fields), krlVersion: 0, error: null }
      writeHost(storage, name, { ...stored.host, reached }, stored.version, stored.host)
      const publicKey = await ownKey(engine, name, storage)
      schedulePush(engine.context, storage, name)
      return { data: { authorized_key: `restrict ${publicKey}` } }
    },
    delete: async ({ params }, storage) => {
      const name = params['host'] ?? ''
      const stored = await readHost(storage, name)
      if (!stored?.host.reached) return undefined
      writeHost(storage, name, { ...stored.host, reached: null }, stored.version, stored.host)
      storage.remove(hostKeyRow(name))
      storage.unschedule(pushKrl, name)
      return undefined
    }
  })
}

/** Where to log in, and with what. */
export async function reachedPlace(
  storage: MountReader,
  name: string,
  { address, port, user, hostKey }: NonNullable<Host['reached']>
): Promise<HostPlace> {
  const { privateKey } = (await storage.get(hostKeyRow(name)))!.value as KeyRow
  return { address, port, user, hostKey, privateKey }
}

export async function forgetReach(storage: MountStorage, name: string): Promise<void> {
  if (await storage.get(hostKeyRow(name))) storage.remove(hostKeyRow(name))
  storage.unschedule(pushKrl, name)
}

async function ownKey({ context }: Engine, name: string, storage: MountStorage): Promise<string> {
  const stored = (await storage.get(hostKeyRow(name)))?.value as KeyRow | undefined
  if (stored) return stored.publicKey
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const publicKey = writeKeyLine(publicPart(key), 'mayfly')
  storage.put(
    hostKeyRow(name),
    { privateKey: writeOpenSshKey(key, 'mayfly', context.random.bytes(4)).reveal(), publicKey } satisfies KeyRow,
    0
  )
  return publicKey
}

interface Fields {
  readonly address?: string | undefined
  readonly port?: number | undefined
  readonly user?: string | undefined
  readonly host_key?: string | undefined
  readonly prefix?: string | undefined
}

function checkedPlace({ address = '', port = 22, user = 'root', host_key: hostKey, prefix = '' }: Fields) {
  if (!/^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$/.test(address))
    throw new BrokerError('invalid_request', 'address: a host name or an address is expected')
  if (isForbiddenAddress(address))
    throw new BrokerError('invalid_request', 'address: a link-local, metadata or multicast address is not taken')
  if (port < 1 || port > 65_535) throw new BrokerError('invalid_request', 'port: 1 to 65535')
  if (!/^[A-Za-z_][\w.-]{0,31}$/.test(user)) throw new BrokerError('invalid_request', 'user: the name of an account is expected')
  if (!hostKey)
    throw new BrokerError('invalid_request', 'host_key: the key of the host is required, as one line: it is all that says who answers')
  if (!/^(\/[\w.-]+)*$/.test(prefix)) throw new BrokerError('invalid_request', 'prefix: an absolute folder is expected')
  return { address, port, user, hostKey: writeKeyLine(parseKeyLine(hostKey).key), prefix }
}
