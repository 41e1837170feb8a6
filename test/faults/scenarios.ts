import { auditBlocked, auditFull } from './scenarios/audit-sink.ts'
import { blackHole } from './scenarios/black-hole.ts'
import { blackHoledMysqls } from './scenarios/black-hole-mysql.ts'
import { clockAhead, clockBehind } from './scenarios/clock-step.ts'
import { diskFull } from './scenarios/disk-full.ts'
import { foreignLock } from './scenarios/foreign-lock.ts'
import { fsyncError } from './scenarios/fsync-error.ts'
import { paused } from './scenarios/paused.ts'
import type { Scenario } from './scenario.ts'

export const scenarios: readonly Scenario[] = [
  diskFull,
  fsyncError,
  paused,
  clockAhead,
  clockBehind,
  auditFull,
  auditBlocked,
  blackHole,
  ...blackHoledMysqls,
  foreignLock
]
