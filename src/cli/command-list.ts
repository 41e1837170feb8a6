import type { CliCommand } from './cli-command.ts'
import { auditDisable } from './commands/audit-disable.ts'
import { auditEnable } from './commands/audit-enable.ts'
import { auditList } from './commands/audit-list.ts'
import { auditVerify } from './commands/audit-verify.ts'
import { authDisable } from './commands/auth-disable.ts'
import { authEnable } from './commands/auth-enable.ts'
import { authList } from './commands/auth-list.ts'
import { authTune } from './commands/auth-tune.ts'
import { deletePath } from './commands/delete-path.ts'
import { leaseLs } from './commands/lease-ls.ts'
import { leaseRenew } from './commands/lease-renew.ts'
import { leaseRevoke } from './commands/lease-revoke.ts'
import { leaseShow } from './commands/lease-show.ts'
import { list } from './commands/list.ts'
import { login } from './commands/login.ts'
import { operatorBackup } from './commands/operator-backup.ts'
import { operatorInit } from './commands/operator-init.ts'
import { operatorKeyStatus } from './commands/operator-key-status.ts'
import { operatorResume } from './commands/operator-resume.ts'
import { operatorRotate } from './commands/operator-rotate.ts'
import { operatorRotateSealKey } from './commands/operator-rotate-seal-key.ts'
import { operatorSeal } from './commands/operator-seal.ts'
import { operatorUnseal } from './commands/operator-unseal.ts'
import { pathHelp } from './commands/path-help.ts'
import { policyDelete } from './commands/policy-delete.ts'
import { policyFmt } from './commands/policy-fmt.ts'
import { policyList } from './commands/policy-list.ts'
import { policyRead } from './commands/policy-read.ts'
import { policyTest } from './commands/policy-test.ts'
import { policyWrite } from './commands/policy-write.ts'
import { read } from './commands/read.ts'
import { reconcile } from './commands/reconcile.ts'
import { run } from './commands/run.ts'
import { secretsDisable } from './commands/secrets-disable.ts'
import { secretsEnable } from './commands/secrets-enable.ts'
import { secretsList } from './commands/secrets-list.ts'
import { secretsTune } from './commands/secrets-tune.ts'
import { status } from './commands/status.ts'
import { tokenCapabilities } from './commands/token-capabilities.ts'
import { tokenCreate } from './commands/token-create.ts'
import { tokenLookup } from './commands/token-lookup.ts'
import { tokenRenew } from './commands/token-renew.ts'
import { tokenRevoke } from './commands/token-revoke.ts'
import { unwrap } from './commands/unwrap.ts'
import { write } from './commands/write.ts'

/** Every command that is a client of a server, in the order of the help. */
export const commandList: readonly CliCommand[] = [
  status,
  login,
  read,
  write,
  list,
  deletePath,
  pathHelp,
  run,
  unwrap,
  leaseLs,
  leaseShow,
  leaseRenew,
  leaseRevoke,
  tokenCreate,
  tokenLookup,
  tokenRenew,
  tokenRevoke,
  tokenCapabilities,
  policyList,
  policyRead,
  policyWrite,
  policyDelete,
  policyFmt,
  policyTest,
  secretsList,
  secretsEnable,
  secretsTune,
  secretsDisable,
  authList,
  authEnable,
  authTune,
  authDisable,
  auditList,
  auditEnable,
  auditDisable,
  auditVerify,
  reconcile,
  operatorInit,
  operatorUnseal,
  operatorSeal,
  operatorKeyStatus,
  operatorRotate,
  operatorRotateSealKey,
  operatorResume,
  operatorBackup
]

export const groups: Readonly<Record<string, string>> = {
  lease: 'who holds what, and ending it',
  token: 'tokens',
  policy: 'what tokens may do',
  secrets: 'backends: where credentials come from',
  auth: 'auth methods: how callers log in',
  audit: 'the audit trail',
  operator: 'keys and seal of the server',
  database: 'users of databases',
  aws: 'credentials of AWS',
  ssh: 'SSH by certificates'
}
