/** A whole backend. Its target is a folder: a key is a file in it, and a door opens for whoever knows a name and its code. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { BrokerError, path, Secret } from 'mayfly/plugin'
import type { BackendContext, BackendType, CredentialType, Guarantees, Issuance, Plugin, TargetId } from 'mayfly/plugin'

// A real backend keeps such settings in the sealed rows of its mount, where an operator writes them.
const folder = process.env['DOORS_FOLDER'] ?? '/var/lib/doors'
const guarantees: Guarantees = { revocable: 'at once', endsSessions: true, diesByItself: true, listable: true, observable: 'no' }

function keys(context: BackendContext): CredentialType<{ name: string }> {
  const { clock, random } = context
  // Our mark: nobody else can compute it, so a file that carries it is ours.
  const fileOf = (name: string) => `${folder}/${name}.${Buffer.from(context.mac(name)).toString('hex')}`
  return {
    async issue({ handle, createBy, until }, signal) {
      signal.throwIfAborted()
      if (Temporal.Instant.compare(clock.now(), createBy) > 0) throw new BrokerError('target_refused', 'too late to make a key')
      const code = Buffer.from(random.bytes(16)).toString('hex')
      const hash = createHash('sha256').update(code).digest('hex')
      writeFileSync(fileOf(handle.name), JSON.stringify({ hash, until }), { flag: 'wx' })
      return { secret: new Secret({ name: handle.name, code }), handle }
    },
    async revoke({ leases }, signal) {
      signal.throwIfAborted()
      return leases.map(({ handle, createBy }) => {
        if (typeof handle?.name !== 'string') return { kind: 'failed', error: new BrokerError('target_refused', 'no name of a key') }
        const there = existsSync(fileOf(handle.name))
        rmSync(fileOf(handle.name), { force: true })
        if (there || !createBy || Temporal.Instant.compare(clock.now(), createBy) > 0) return { kind: 'gone' }
        return { kind: 'ended', again: createBy.add({ milliseconds: 1 }), waiting: 'the key may still be made' }
      })
    },
    now: async () => clock.now(),
    async *list() {
      const names = readdirSync(folder).map(file => file.slice(0, file.lastIndexOf('.')))
      for (const name of names) if (existsSync(fileOf(name))) yield { name, enabled: true }
    }
  }
}

// A plan: nothing is made yet. The broker commits it as a lease, and only then calls `issue`.
function plan({ random, mount }: BackendContext, door: string): Issuance {
  const name = `${door}-${Buffer.from(random.bytes(12)).toString('hex')}`
  const what = { credential: 'key', target: `${mount.uuid}/doors` as TargetId, role: door, roleVersion: 1, recipe: null }
  return { ...what, name, handle: { name }, visible: { name }, ttl: 600, maxTtl: 3600, renewable: false, guarantees }
}

const doors: BackendType = {
  type: 'doors',
  open: async context => ({
    paths: [path({ pattern: 'creds/:door', summary: 'a key', read: async ({ params }) => ({ issue: plan(context, params['door']!) }) })],
    credentials: { key: keys(context) },
    [Symbol.asyncDispose]: async () => {}
  })
}

export const plugin: Plugin = { name: 'doors', backends: [doors] }
