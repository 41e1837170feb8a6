import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { knownWarning, shownIssuer } from './config-ca.ts'
import { deletedIssuer } from './delete-issuer.ts'
import { putIssuers, readIssuers, replaced, shownIssuers } from './issuer.ts'
import type { Issuer } from './issuer.ts'
import { findIssuer, issuerAt, newIssuerName } from './issuer-ref.ts'
import { movedTo } from './move-phase.ts'
import { newIssuer, newIssuerFields } from './new-issuer.ts'
import type { NewIssuerFields } from './new-issuer.ts'
import { rolesNaming } from './roles-naming.ts'
import { unawareHosts } from './unaware-hosts.ts'

/** `issuers`, `issuers/import` and `issuer/:issuer_ref`. */
export function issuerPaths(engine: Engine): readonly Path[] {
  return [listPath, importPath(engine, 'issuers/import'), importPath(engine, 'issuers/import/:issuer_name'), issuerPath(engine)]
}

const listPath = path({
  pattern: 'issuers',
  summary: 'the keys that sign certificates',
  fields: { after: field.text(), limit: field.integer() },
  list: async ({ fields: { after = '', limit = -1 } }, storage) => {
    const { all } = await readIssuers(storage)
    const issuers = shownIssuers(all)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .filter(({ id }) => id > after)
      .slice(0, limit < 1 ? undefined : limit)
    const info = issuers.map(({ id, name, publicKey, phase, signs }) => [
      id,
      { issuer_name: name, is_default: id === all.default, public_key: `${publicKey}\n`, phase, signs }
    ])
    return { keys: issuers.map(({ id }) => id), keyInfo: Object.fromEntries(info) }
  }
})

function importPath(engine: Engine, pattern: string): Path {
  return path({
    pattern,
    summary: 'one more key that signs certificates',
    fields: { ...newIssuerFields, set_default: field.boolean() },
    write: async ({ fields, params }, storage) =>
      addIssuer(engine, { ...fields, issuer_name: params['issuer_name'] ?? fields.issuer_name }, fields.set_default ?? false, storage)
  })
}

async function addIssuer(engine: Engine, fields: NewIssuerFields, setDefault: boolean, storage: MountStorage): Promise<Answer> {
  const { issuer, known, before, version } = await newIssuer(engine, fields, storage)
  if (setDefault) refuseAsDefault(issuer)
  const first = before.default === '' && issuer.phase === 'active' && issuer.signs !== 'host'
  if (!known || first || setDefault) {
    const issuers = known ? before.issuers : [...before.issuers, issuer]
    const all = { ...before, issuers, ...(first || setDefault ? { default: issuer.id } : {}) }
    const firstHost = issuer.signs === 'host' && before.defaultHost === '' && issuer.phase === 'active'
    putIssuers(storage, firstHost ? { ...all, defaultHost: issuer.id } : all, version)
  }
  return { data: shownIssuer(issuer), ...(known ? { warnings: [knownWarning] } : {}) }
}

/** What signs nothing for users cannot be what signs where none is named. */
function refuseAsDefault({ phase, signs }: Issuer): void {
  if (phase !== 'active') throw new BrokerError('invalid_request', `set_default: this issuer is ${phase}: it does not sign`)
  if (signs === 'host') throw new BrokerError('invalid_request', 'set_default: this issuer signs hosts only')
}

function issuerPath(engine: Engine): Path {
  return path({
    pattern: 'issuer/:issuer_ref',
    summary: 'one key that signs certificates: its name and its phase',
    fields: { issuer_name: field.text(), phase: field.text() },
    read: async ({ params }, storage) => {
      const issuer = issuerAt((await readIssuers(storage)).all, params['issuer_ref'] ?? '')
      const unaware = issuer.phase === 'next' && issuer.signs !== 'host' ? await unawareHosts(storage, issuer) : undefined
      return { data: shownIssuer(issuer), ...(unaware === undefined ? {} : { warnings: [unaware] }) }
    },
    write: async ({ params, fields }, storage) => {
      const { all, version } = await readIssuers(storage)
      const issuer = issuerAt(all, params['issuer_ref'] ?? '')
      const named = { ...issuer, name: newIssuerName(all, fields.issuer_name ?? issuer.name, issuer) }
      const moved = await movedTo(engine, all, named, fields.phase ?? issuer.phase, storage)
      putIssuers(storage, replaced(all, moved.issuer), version)
      return { data: shownIssuer(moved.issuer), ...(moved.warnings.length > 0 ? { warnings: moved.warnings } : {}) }
    },
    delete: ({ params }, storage) => deleteIssuer(engine, params['issuer_ref'] ?? '', storage)
  })
}

/** An unknown one is deleted already. */
async function deleteIssuer(engine: Engine, ref: string, storage: MountStorage): Promise<Answer> {
  const { all, version } = await readIssuers(storage)
  const issuer = findIssuer(all, ref)
  if (!issuer) return undefined
  const deleted = await deletedIssuer(engine, issuer, storage)
  const isDefault = all.default === issuer.id
  const without = {
    ...replaced(all, deleted.issuer),
    default: isDefault ? '' : all.default,
    defaultHost: all.defaultHost === issuer.id ? '' : all.defaultHost
  }
  putIssuers(storage, without, version)
  const roles = await rolesNaming(storage, issuer)
  const warnings = [
    ...(roles > 0 ? [`${roles} roles reference '${ref}'`] : []),
    ...(isDefault
      ? [
          `Deleted issuer ${issuer.id} (via issuer_ref ${ref}); this was configured as the default issuer. Operations without an explicit issuer will not work until a new default is configured.`
        ]
      : []),
    ...deleted.warnings
  ]
  return warnings.length > 0 ? { warnings } : undefined
}
