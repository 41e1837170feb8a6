import type { Parts } from '../parts.ts'

const batchSizeMax = 1_000

/** Drops history and audit rows whose time is over, in small batches: the writer is never held, and a backlog is worked off turn by turn. */
export async function prune(parts: Parts, signal: AbortSignal): Promise<void> {
  const { settings, clock } = parts
  await setCursors(parts)
  while (!signal.aborted) {
    const now = clock.now()
    const [history, audit] = await parts.store.commit(
      [
        { kind: 'history.prune', now, before: now.subtract({ seconds: settings.historyTtl }), limit: batchSizeMax },
        { kind: 'audit.prune', now, before: now.subtract({ seconds: settings.auditKeep }), limit: batchSizeMax }
      ],
      []
    )
    if ((history?.count ?? 0) < batchSizeMax && (audit?.count ?? 0) < batchSizeMax) return
    await clock.sleep(100, signal)
  }
}

const nobody = 'no sink'

/** Pruning waits for every sink, and for none that the configuration names no more. Where there is none (a broker in memory), the rows themselves are the trail, for as long as `audit_keep`
 *  says. */
async function setCursors({ store, sinks, clock }: Parts): Promise<void> {
  const now = clock.now()
  const { empty, named } = sinks
  if (empty) await store.commit([{ kind: 'cursor.move', now, sink: nobody, seq: (await store.chainHead()).seq }], [])
  if (named) await store.commit([{ kind: 'cursor.keep', now, sinks: empty ? [...named, nobody] : named }], [])
}
