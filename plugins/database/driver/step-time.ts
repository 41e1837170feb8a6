import type { Clock } from 'mayfly/plugin'

// Together the steps that go user by user stay below the time that the broker gives one revocation (40 s): what some users make slow must not undo what was done for the others.
const stepMsMax = 10_000

/** What a user waits for whose turn did not come in time. */
export const nextTurn = { why: 'its turn comes with the next look', seconds: 1 }

/** Begins a step: whether its time is over, asked before each user. The first has its turn whatever the steps before took. */
export function stepTime(clock: Clock): () => boolean {
  const startedAt = clock.elapsed()
  return () => clock.elapsed() - startedAt > stepMsMax
}
