import type { Committer } from '../committer.ts'
import type { Answer, Call } from './lane.ts'

export function answerCommits(committer: Committer, calls: readonly Call[]): Answer[] {
  const items = calls.flatMap(call => ('commit' in call ? [call.commit] : []))
  const outcomes = committer.commit(items)
  return calls.map((call, index) => ({ id: call.id, ...outcomes[index]! }))
}
