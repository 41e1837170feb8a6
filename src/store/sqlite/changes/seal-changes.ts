import { LostCondition } from '../../store.ts'
import type { Applied, ChangeOf, Writing } from '../writing.ts'

export function initialiseSeal({ db }: Writing, { record }: ChangeOf<'seal.initialise'>): Applied {
  const made = db.run(
    `insert into seal (one, kind, config, root_key, keyring, instance) values (1, :kind, :config, :rootKey, :keyring, :instance) on conflict do nothing`,
    { ...record }
  )
  if (made === 0) throw new LostCondition('seal.initialise', 'invalid_request', 'Vault is already initialized')
  return { applied: true }
}

export function rekeySeal({ db }: Writing, { rootKey, config }: ChangeOf<'seal.rekey'>): Applied {
  if (db.run('update seal set root_key = :rootKey, config = :config', { rootKey, config }) === 0) throw notInitialised('seal.rekey')
  return { applied: true }
}

export function replaceKeyring({ db }: Writing, { keyring }: ChangeOf<'seal.keyring'>): Applied {
  if (db.run('update seal set keyring = :keyring', { keyring }) === 0) throw notInitialised('seal.keyring')
  return { applied: true }
}

function notInitialised(change: 'seal.rekey' | 'seal.keyring'): LostCondition {
  return new LostCondition(change, 'invalid_request', 'Vault is not initialized')
}
