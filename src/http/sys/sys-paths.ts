import type { CorePath } from '../../broker/door/core-path.ts'
import { auditPaths } from './audit-paths.ts'
import { authPaths } from './auth-paths.ts'
import { backupPaths } from './backup-paths.ts'
import { capabilityPaths } from './capability-paths.ts'
import { helpPaths } from './help-paths.ts'
import { holdingPaths } from './holding-paths.ts'
import { internalPaths } from './internal-paths.ts'
import { keyPaths } from './key-paths.ts'
import { leasePaths } from './lease-paths.ts'
import { metricsPaths } from './metrics-paths.ts'
import { mountPaths } from './mount-paths.ts'
import { lockedUserPaths } from './locked-user-paths.ts'
import { passwordPolicyPaths } from './password-policy-paths.ts'
import { policyPaths } from './policy-paths.ts'
import { reconcilePaths } from './reconcile-paths.ts'
import { resumePaths } from './resume-paths.ts'
import { sealPaths } from './seal-paths.ts'
import { toolPaths } from './tool-paths.ts'
import { wrappingPaths } from './wrapping-paths.ts'

/** Everything below `sys/` that goes through the door. */
export const sysPaths: readonly CorePath[] = [
  ...sealPaths,
  ...keyPaths,
  ...metricsPaths,
  ...mountPaths,
  ...authPaths,
  ...policyPaths,
  ...lockedUserPaths,
  ...passwordPolicyPaths,
  ...capabilityPaths,
  ...leasePaths,
  ...holdingPaths,
  ...reconcilePaths,
  ...resumePaths,
  ...backupPaths,
  ...internalPaths,
  ...helpPaths,
  ...auditPaths,
  ...toolPaths,
  ...wrappingPaths
]
