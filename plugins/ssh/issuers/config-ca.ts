import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, JsonObject, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { deletedIssuer } from './delete-issuer.ts'
import { putIssuers, readIssuers, shownIssuers } from './issuer.ts'
import type { Issuer, Issuers } from './issuer.ts'
import { findIssuer } from './issuer-ref.ts'
import { newIssuer, newIssuerFields } from './new-issuer.ts'

/** `config/ca`: the issuer that signs where none is named. */
export function configCaPath(engine: Engine): Path {
  return path({
    pattern: 'config/ca',
    summary: 'the key that signs certificates: generated or imported',
    fields: newIssuerFields,
    read: async (_, storage) => {
      const issuer = findIssuer((await readIssuers(storage)).all, 'default')
      // Tools compare this sentence to find out whether they have to make one.
      if (!issuer) throw new BrokerError('invalid_request', "keys haven't been configured yet")
      return { data: shownIssuer(issuer) }
    },
    write: async ({ fields }, storage) => {
      const made = await newIssuer(engine, { ...fields, phase: 'active' }, storage)
      if (made.issuer.signs === 'host')
        throw new BrokerError('invalid_request', 'signs: the default issuer signs users; make one for hosts at issuers/import')
      const issuers = made.known ? made.before.issuers : [...made.before.issuers, made.issuer]
      if (!made.known || made.before.default === '') putIssuers(storage, { ...made.before, issuers, default: made.issuer.id }, made.version)
      return { data: shownIssuer(made.issuer), ...(made.known ? { warnings: [knownWarning] } : beside(made.before)) }
    },
    delete: (_, storage) => deleteAll(engine, storage)
  })
}

export const knownWarning = 'An issuer with the provided public key already exists, returning the existing issuer'

export function shownIssuer(issuer: Issuer): JsonObject {
  return {
    issuer_id: issuer.id,
    issuer_name: issuer.name,
    public_key: `${issuer.publicKey}\n`,
    phase: issuer.phase,
    signs: issuer.signs,
    fingerprint: issuer.fingerprint
  }
}

function beside({ issuers, default: before }: Issuers): { readonly warnings?: readonly string[] } {
  const former = issuers.find(({ id }) => id === before)
  return former
    ? {
        warnings: [
          `the issuer ${former.name || former.id} was the default; it may sign for roles that name it until its phase is set to retiring`
        ]
      }
    : {}
}

async function deleteAll(engine: Engine, storage: MountStorage): Promise<Answer> {
  const { all, version } = await readIssuers(storage)
  const shown = shownIssuers(all)
  if (shown.length === 0) return undefined
  const deleted = await Promise.all(all.issuers.map(issuer => deletedIssuer(engine, issuer, storage)))
  putIssuers(storage, { default: '', defaultHost: '', issuers: deleted.map(({ issuer }) => issuer) }, version)
  return {
    warnings: [`Deleted ${shown.length} issuers, including default issuer if configured.`, ...deleted.flatMap(({ warnings }) => warnings)]
  }
}
