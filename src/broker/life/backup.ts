import { BrokerError } from '../../contracts/index.ts'
import type { StoreSnapshot } from '../../store/store.ts'
import { chunkBytes, writeBackup } from '../../backup/backup-file.ts'
import type { BackupHeader } from '../../backup/header.ts'
import type { Call } from '../door/core-path.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../door/request.ts'

/** A backup of the store as it is now, as a stream. The copy is made between the two entries of the trail; what leaves is sealed under the barrier. */
export function backup(call: Call<unknown>): Outcome {
  if (call.request.wrapSeconds) throw new BrokerError('invalid_request', 'a backup cannot be wrapped')
  return { wait: () => stream(call.parts) }
}

async function stream(parts: Parts): Promise<Outcome> {
  await parts.at('backup:before-copy')
  const snapshot = await parts.store.snapshot()
  await parts.at('backup:after-copy')
  return {
    stream: {
      type: 'application/octet-stream',
      chunks: () => sealed(parts, snapshot),
      [Symbol.asyncDispose]: () => snapshot[Symbol.asyncDispose]()
    }
  }
}

async function* sealed(parts: Parts, snapshot: StoreSnapshot): AsyncGenerator<Uint8Array> {
  const salt = parts.random.bytes(32)
  const key = backupKey(parts.barrier, salt)
  try {
    yield* writeBackup(headerOf(parts, snapshot, salt), key, snapshot.chunks(chunkBytes))
  } finally {
    key.fill(0)
  }
}

/** A key for one file: it stays the same over rotations, and only who can unseal the broker can make it. */
export function backupKey(barrier: Pick<Parts['barrier'], 'mac'>, salt: Uint8Array): Uint8Array {
  return barrier.mac('backup', salt)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function headerOf({ settings, clock, instance }: Parts, { facts }: StoreSnapshot, salt: Uint8Array): BackupHeader {
  const { bytes, schema, beat, node, head, seal } = facts
  return {
    time: clock.now().toString(),
    instance,
    version: settings.version,
    schema,
    beat,
    node,
    seq: head.seq,
    hash: head.hash,
    bytes,
    salt: base64(salt),
    seal: {
      kind: seal.kind,
      config: seal.config,
      root_key: base64(seal.rootKey),
      keyring: base64(seal.keyring),
      instance: seal.instance
    }
  }
}
