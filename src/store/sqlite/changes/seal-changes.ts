import { LostCondition } from '../../store.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

export function initialiseSeal({ db }: Writing, { record }: ChangeOf<'seal.initialise'>): Applied {
  const made = db.run(
    `insert into seal (one, kind, config, root_key, keyring, instance) values (1, :kind, :config, :rootKey, :keyring, :instance) on conflict do nothing`,
    { ...record }
  )
  if (made === 0) throw new LostCondition('seal.initialise', 'invalid_request', 'Vault is already initialized')
  return { applied: true }
}

const rekeySql = 'update seal set root_key = :rootKey, config = :config where :expected is null or root_key = :expected'

export function rekeySeal(writing: Writing, { rootKey, config, expected }: ChangeOf<'seal.rekey'>): Applied {
  if (writing.db.run(rekeySql, { rootKey, config, expected: expected ?? null }) === 0) throw whyNot(writing, 'seal.rekey', 'the seal')
  return { applied: true }
}

const keyringSql = 'update seal set keyring = :keyring where :expected is null or keyring = :expected'

export function replaceKeyring(writing: Writing, { keyring, expected }: ChangeOf<'seal.keyring'>): Applied {
  if (writing.db.run(keyringSql, { keyring, expected: expected ?? null }) === 0) throw whyNot(writing, 'seal.keyring', 'the keyring')
  return { applied: true }
}

function whyNot({ db }: Writing, change: 'seal.rekey' | 'seal.keyring', what: string): LostCondition {
  return db.holds('exists (select 1 from seal)')
    ? new LostCondition(change, 'conflict', `${what} was changed meanwhile`)
    : new LostCondition(change, 'invalid_request', 'Vault is not initialized')
}
