import { ListAccessKeysCommand } from '@aws-sdk/client-iam'
import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, MountReader, MountStorage, Path, TaskSettled } from 'mayfly/plugin'
import { saying } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { knownRoot } from './known-root.ts'
import type { KnownRoot } from './known-root.ts'
import { readRotation, rotateRoot, rotationKey, runsSequence } from './pending-rotation.ts'
import type { PendingRotation } from './pending-rotation.ts'
import { anotherKey } from './another-key.ts'
import { readRoot } from './root-config.ts'

const failing = 'Error rotating root credentials'

/** `config/rotate-root`: the broker gets a key that only it knows, and the old one is deleted. */
export function rotateRootPath(engine: Engine): Path {
  return path({
    pattern: 'config/rotate-root',
    summary: "changes the root's own access key",
    write: (_, storage, signal) => rotateNow(engine, storage, signal)
  })
}

/** The promise: that a key is about to be made is on record before it is. One that is on its way already goes on. */
async function rotateNow(engine: Engine, storage: MountStorage, signal: AbortSignal): Promise<Answer> {
  if (!(await readRoot(storage)))
    throw new BrokerError('invalid_request', 'Cannot call config/rotate-root when either access_key or secret_key is empty')
  const stored = await readRotation(storage)
  if (stored?.pending.stage === 'retire') throw refusal(`the last rotation is not over: ${retiring(stored.pending)}`)
  const from = stored?.pending.from ?? (await begin(engine, storage, signal))
  storage.schedule(rotateRoot, rotationKey, engine.context.clock.now(), {})
  return { after: { task: rotateRoot, key: rotationKey, answer: settled => told(engine.context.storage, from, settled) } }
}

const retiring = ({ from, trouble }: Extract<PendingRotation, { readonly stage: 'retire' }>): string =>
  trouble === undefined
    ? 'the old key is deleted a minute after the new one is in use'
    : `the old key ${from} is still there, and deleting it is tried again: ${trouble}`

async function begin(engine: Engine, storage: MountStorage, signal: AbortSignal): Promise<string> {
  const root = await knownRoot(engine, storage, signal)
  const user = userOf(root)
  const { accessKey: from } = root.version
  await refuseOtherKeys(engine, root, user, signal)
  const runs = await storage.reserve(runsSequence, 1)
  const pending: PendingRotation = { stage: 'make', version: root.config.version, user, from, runs }
  storage.put(rotationKey, pending, 0)
  return from
}

function userOf({ arn }: KnownRoot): string {
  const name = /^arn:[\w-]+:iam::\d{12}:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1]
  if (name === undefined) throw refusal(`only a user of IAM has keys that can be rotated, and the root is ${arn}`)
  return name
}

async function refuseOtherKeys(engine: Engine, { config, version }: KnownRoot, UserName: string, signal: AbortSignal): Promise<void> {
  const { account } = await engine.accounts.ofVersion(config.version)
  try {
    const { AccessKeyMetadata = [] } = await account.iam(
      (iam, at) => iam.send(new ListAccessKeysCommand({ UserName }), at),
      { lane: 'issue' },
      signal
    )
    const other = AccessKeyMetadata.find(({ AccessKeyId }) => AccessKeyId !== version.accessKey)
    if (other) throw refusal(anotherKey(UserName, other.AccessKeyId ?? ''))
  } catch (error) {
    throw saying(failing, error)
  }
}

async function told(storage: MountReader, from: string, settled: TaskSettled | undefined) {
  const accessKey = (await readRoot(storage))?.version.accessKey
  if (settled?.kind === 'done' && accessKey !== undefined && accessKey !== from) return { data: { access_key: accessKey } }
  if (settled?.kind === 'done') throw refusal('the rotation that was under way was given up')
  if (settled?.over) throw refusal(settled.error)
  const why = settled?.error ?? 'no answer in time'
  throw new BrokerError('target_unreachable', `unable to finish rotating root credentials; it goes on in the background: ${why}`)
}

const refusal = (message: string) => new BrokerError('invalid_request', `${failing}: ${message}`)
