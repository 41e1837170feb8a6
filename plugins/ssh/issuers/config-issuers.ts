import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, JsonObject, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { putIssuers, readIssuers, replaced } from './issuer.ts'
import type { Issuer, Issuers, Phase } from './issuer.ts'
import { findIssuer } from './issuer-ref.ts'
import { movedTo } from './move-phase.ts'
import { unawareHosts } from './unaware-hosts.ts'

/** `config/issuers`: which issuer signs where none is named. Moving it to one that is `next` is the middle of a rotation: the former default retires. */
export function configIssuersPath(engine: Engine): Path {
  return path({
    pattern: 'config/issuers',
    summary: 'which key signs by default',
    fields: { default: field.text(), default_host: field.text() },
    read: async (_, storage) => {
      const { all } = await readIssuers(storage)
      if (all.default === '') throw new BrokerError('invalid_request', 'no default issuer currently configured')
      return { data: shown(all) }
    },
    write: async ({ fields, given }, storage) => writeDefaults(engine, fields, given, storage)
  })
}

async function writeDefaults(
  engine: Engine,
  fields: { readonly default?: string | undefined; readonly default_host?: string | undefined },
  given: ReadonlySet<string>,
  storage: MountStorage
): Promise<Answer> {
  const { all: before, version } = await readIssuers(storage)
  const users =
    given.has('default') || !given.has('default_host')
      ? await moved(engine, before, 'default', fields.default ?? '', storage)
      : none(before)
  const hosts = given.has('default_host')
    ? await moved(engine, users.all, 'defaultHost', fields.default_host ?? '', storage)
    : none(users.all)
  if (hosts.all !== before) putIssuers(storage, hosts.all, version)
  return { data: shown(hosts.all), warnings: [...users.warnings, ...hosts.warnings] }
}

interface Moved {
  readonly all: Issuers
  readonly warnings: readonly string[]
}

const none = (all: Issuers): Moved => ({ all, warnings: [] })

async function moved(engine: Engine, all: Issuers, which: 'default' | 'defaultHost', ref: string, storage: MountStorage): Promise<Moved> {
  if (ref === '' || ref.toLowerCase() === 'default')
    throw refusal("invalid issuer specification; must be non-empty and can't be 'default'.")
  const issuer = findIssuer(all, ref)
  if (!issuer) throw refusal(`unable to find issuer for reference: ${ref}`)
  refuseKind(which, issuer)
  const former = all.issuers.find(({ id }) => id === all[which])
  if (former?.id === issuer.id) return { all, warnings: ['The default issuer is already set to the specified issuer.'] }
  const active = await movedTo(engine, all, issuer, 'active', storage)
  const replacing = replaced({ ...all, [which]: issuer.id }, active.issuer)
  const step = former?.phase === 'active' && !isOtherDefault(all, which, former) ? stepsOfFormer[issuer.phase] : undefined
  const stepped = former && step ? replaced(replacing, (await movedTo(engine, replacing, former, step, storage)).issuer) : replacing
  const resolved = ref === issuer.id ? '' : ` (resolved to ${issuer.id})`
  const told = former ? [`Previous default (${former.id}) has been updated with the issuer '${ref}'${resolved}`] : []
  // Who takes a host's certificate is no host.
  const unaware = which === 'default' ? await unawareHosts(storage, issuer) : undefined
  return { all: stepped, warnings: [...told, ...active.warnings, ...(unaware === undefined ? [] : [unaware])] }
}

/** Only in a rotation that was begun as one: roles of the wire may sign with any issuer that they name. What is gone back from waits to be gone on to. */
const stepsOfFormer: Partial<Readonly<Record<Phase, Phase>>> = { next: 'retiring', retiring: 'next' }

/** What still signs hosts stays when users are signed by another, and the other way. */
function isOtherDefault(all: Issuers, which: 'default' | 'defaultHost', { id }: Issuer): boolean {
  return all[which === 'default' ? 'defaultHost' : 'default'] === id
}

function refuseKind(which: 'default' | 'defaultHost', { signs }: Issuer): void {
  if (which === 'default' && signs === 'host') throw refusal('default: this issuer signs hosts only')
  if (which === 'defaultHost' && signs === 'user') throw refusal('default_host: this issuer signs users only')
}

function shown({ default: id, defaultHost }: Issuers): JsonObject {
  return { default: id, ...(defaultHost === '' ? {} : { default_host: defaultHost }) }
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
