/** A backend that mints: a ticket is signed here, and a list that its mount publishes says which are good no more. What a door would do stands in `admits`. */
import { createHmac } from 'node:crypto'
import { BrokerError, Secret, field, path } from '../../src/contracts/index.ts'
import type { Backend, BackendContext, BackendType, Guarantees, Issuance, MountStorage, TargetId } from '../../src/contracts/index.ts'

const guarantees: Guarantees = {
  revocable: 'eventually',
  endsSessions: false,
  diesByItself: true,
  listable: false,
  observable: 'every login'
}

const signed = (text: string) => `${text}.${createHmac('sha256', 'the key of the tickets').update(text).digest('hex')}`

export interface Hooks {
  /** Before a ticket is signed. */
  readonly signing?: () => Promise<void> | void
  /** Before a revocation answers. */
  readonly revoking?: (storage: MountStorage) => Promise<void> | void
}

/** Mount it as type `tickets`; `sign` with the subject's name issues. */
export function ticketBackend(hooks: Hooks = {}): BackendType {
  return { type: 'tickets', open: async context => tickets(context, hooks) }
}

function tickets(context: BackendContext, hooks: Hooks): Backend {
  const { clock, mount } = context
  const target = `${mount.uuid}/key` as TargetId
  // Names are unique for ever in the whole broker, numbers in their mount.
  const nameOf = (serial: number | string | undefined) => `${mount.accessor}-${serial}`
  const plan = (serial: number, subject: string, ttl: number): Issuance => ({
    credential: 'ticket',
    target,
    role: 'door',
    roleVersion: 1,
    recipe: null,
    handle: { serial },
    name: nameOf(serial),
    visible: { serial: String(serial) },
    subject,
    ttl,
    maxTtl: 7_200,
    renewable: false,
    guarantees
  })
  return {
    paths: [
      path({
        pattern: 'sign',
        summary: 'a ticket',
        fields: { subject: field.text(), ttl: field.duration() },
        write: async ({ fields }, storage) => {
          const serial = await storage.reserve('serials', 1)
          storage.put(`planned/${serial}`, fields.subject ?? '')
          return { issue: plan(serial, fields.subject ?? '', fields.ttl ?? 600) }
        }
      }),
      path({
        pattern: 'revoke',
        summary: 'ends what was signed for a subject, or under these numbers',
        fields: { subject: field.text(), serials: field.commaList() },
        write: async ({ fields }) => {
          if (fields.subject === undefined) return { revoke: { names: (fields.serials ?? []).map(nameOf) } }
          const { subject } = fields
          return { revoke: { subject }, answer: async () => ({ data: { left: (await context.leases.bySubject(subject)).length } }) }
        }
      }),
      path({
        pattern: 'used',
        summary: 'a door tells of a ticket that was shown',
        open: true,
        fields: { serial: field.text(), from: field.text(), kind: field.text() },
        write: async ({ fields }, storage) => {
          const kind = fields.kind === 'offer' || fields.kind === 'logout' ? fields.kind : 'login'
          storage.used(nameOf(fields.serial), { at: clock.now(), kind, ...(fields.from === undefined ? {} : { from: fields.from }) })
          return undefined
        }
      }),
      path({
        pattern: 'known/:serial',
        summary: 'what the broker knows of a ticket',
        read: async ({ params }) => {
          const [lease] = await context.leases.named([nameOf(params['serial'])])
          return lease && { data: { ...lease, until: lease.until.toString() } }
        }
      }),
      path({
        pattern: 'published',
        summary: 'the numbers of what is good no more',
        list: async (_, storage) => ({ keys: await storage.list('published/') })
      })
    ],
    credentials: {
      ticket: {
        async mint({ handle, until }) {
          await hooks.signing?.()
          const { serial } = handle as { serial: number }
          return { secret: new Secret({ ticket: signed(`${serial}:${until.epochMilliseconds}`) }), handle }
        },
        async revoke({ leases, storage }) {
          await hooks.revoking?.(storage)
          for (const { handle } of leases) storage.put(`revoked/${(handle as { serial: number }).serial}`, 0)
          storage.schedule('publish', 'list', clock.now(), null)
          return leases.map(() => ({ kind: 'gone' }))
        }
      }
    },
    tasks: {
      publish: {
        endsAccess: true,
        async run(_, storage) {
          const serials = await storage.list('revoked/')
          if (serials.length === 0) throw new BrokerError('integrity', 'nothing to publish')
          for (const serial of serials) storage.put(`published/${serial}`, 0)
          return { done: true, did: 'published' }
        }
      }
    },
    [Symbol.asyncDispose]: async () => {}
  }
}
