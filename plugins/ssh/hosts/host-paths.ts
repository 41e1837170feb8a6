import type { Path } from 'mayfly/plugin'
import { askPath } from './ask.ts'
import { enrolPaths } from './enroll.ts'
import { tokenPath } from './enrolment-token.ts'
import { hostEntryPaths } from './host-entry.ts'
import type { Engine } from '../engine.ts'
import { hostScriptPaths } from './host-script.ts'
import { newsPath } from './krl-news.ts'
import { loginsPath } from './logins.ts'
import { reachPath } from './reach.ts'
import { renewPaths } from './renew.ts'
import { reportPath } from './report.ts'
import { sessionsPath } from './sessions.ts'

export function hostPaths(engine: Engine): readonly Path[] {
  return [
    ...hostEntryPaths,
    ...hostScriptPaths,
    tokenPath(engine),
    ...enrolPaths(engine),
    ...renewPaths(engine),
    reportPath(engine),
    loginsPath(engine),
    sessionsPath(engine),
    askPath(engine),
    reachPath(engine),
    newsPath(engine)
  ]
}
