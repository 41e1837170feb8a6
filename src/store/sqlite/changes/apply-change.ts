import type { Change, Intention } from '../../change.ts'
import { adoptLease, prolongLease, reopenLease } from './adopt-changes.ts'
import { openCascade, workCascade } from './cascade-changes.ts'
import { claimLeases, settleLeases, takeOverLeases } from './claim-changes.ts'
import { dropSpace, expectEntry, putEntry, removeEntry, reserveSequence, spendEntry, takeEntry, thinSpace } from './entry-changes.ts'
import { beginResume, liftHold, setLeasesAside } from './held-changes.ts'
import { dropCursor, keepCursors, moveCursor, pruneAudit, pruneHistory } from './history-changes.ts'
import { activateLease, beginLease, forceLeases, makeLeaseDue, renewLease } from './lease-changes.ts'
import { beginReseal, endReseal, resealRows } from './reseal-changes.ts'
import { initialiseSeal, rekeySeal, replaceKeyring } from './seal-changes.ts'
import { retireTarget, targetFailed, targetRecovered } from './target-changes.ts'
import { scheduleTask, settleTask, unscheduleTask } from './task-changes.ts'
import { leaseUsed, leasesObserved } from './usage-changes.ts'
import { createToken, endToken, expireTokens, renewToken, requireToken, useToken } from './token-changes.ts'
import { openWrapped, putWrapped } from './wrapping-changes.ts'
import { refuseRetiredKeys } from './retired-keys.ts'
import type { Wire } from '../rows/wire.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

/** One function per intention; each is a whole conditional step. */
const changes: { readonly [Kind in Intention['kind']]: (writing: Writing, change: ChangeOf<Kind>) => Applied } = {
  'seal.initialise': initialiseSeal,
  'seal.rekey': rekeySeal,
  'seal.keyring': replaceKeyring,
  'entry.put': putEntry,
  'entry.remove': removeEntry,
  'entry.take': takeEntry,
  'reseal.begin': beginReseal,
  'reseal.rows': resealRows,
  'reseal.end': endReseal,
  'held.begin': beginResume,
  'held.setAside': setLeasesAside,
  'held.lift': liftHold,
  'entry.spend': spendEntry,
  'entry.expect': expectEntry,
  'space.thin': thinSpace,
  'space.drop': dropSpace,
  'sequence.reserve': reserveSequence,
  'task.schedule': scheduleTask,
  'task.unschedule': unscheduleTask,
  'task.settle': settleTask,
  'target.retire': retireTarget,
  'target.failed': targetFailed,
  'target.recovered': targetRecovered,
  'token.create': createToken,
  'token.use': useToken,
  'token.renew': renewToken,
  'token.end': endToken,
  'tokens.expire': expireTokens,
  'token.require': requireToken,
  'wrapping.put': putWrapped,
  'wrapping.open': openWrapped,
  'lease.begin': beginLease,
  'lease.activate': activateLease,
  'lease.renew': renewLease,
  'lease.due': makeLeaseDue,
  'lease.force': forceLeases,
  'lease.adopt': adoptLease,
  'lease.reopen': reopenLease,
  'lease.prolong': prolongLease,
  'lease.used': leaseUsed,
  'lease.observed': leasesObserved,
  'lease.claim': claimLeases,
  'lease.settle': settleLeases,
  'lease.takeOver': takeOverLeases,
  'cascade.open': openCascade,
  'cascade.work': workCascade,
  'cursor.move': moveCursor,
  'cursor.drop': dropCursor,
  'cursor.keep': keepCursors,
  'audit.prune': pruneAudit,
  'history.prune': pruneHistory
}

/** Applies one change inside the transaction, or throws `LostCondition`. */
export function applyChange(writing: Writing, change: Wire<Change>): Applied {
  const apply = changes[change.kind] as (writing: Writing, change: Wire<Change>) => Applied
  refuseRetiredKeys(writing, change)
  return apply(writing, change)
}
