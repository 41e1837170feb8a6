import type { Path } from 'mayfly/plugin'
import { enrolPaths } from './enroll.ts'
import { tokenPath } from './enrolment-token.ts'
import { hostEntryPaths } from './host-entry.ts'
import type { HostParts } from './host-parts.ts'
import { hostScriptPaths } from './host-script.ts'
import { loginsPath } from './logins.ts'
import { renewPaths } from './renew.ts'
import { reportPath } from './report.ts'

export function hostPaths(parts: HostParts): readonly Path[] {
  return [
    ...hostEntryPaths,
    ...hostScriptPaths,
    tokenPath(parts),
    ...enrolPaths(parts),
    ...renewPaths(parts),
    reportPath(parts),
    loginsPath(parts)
  ]
}
