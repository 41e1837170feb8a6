/** The named moments of invariants.md §4 that exist so far. The crash suite hands in a port that kills the process there; the program's own does nothing. */
export const crashPoints = [
  'issue:before-promise',
  'issue:after-promise-commit',
  'issue:after-create-ack',
  'issue:before-active',
  'issue:after-active-commit',
  'renew:before-target-extend',
  'renew:after-target-extend',
  'renew:after-commit',
  'revoke:after-claim',
  'revoke:after-drop-ack',
  'revoke:after-revoked-commit',
  'cascade:after-open',
  'cascade:after-each-batch',
  'boot:before-unseal',
  'boot:after-unseal',
  'boot:mid-takeover',
  'audit:after-row-commit',
  'audit:after-fsync-before-cursor'
] as const

/** Those of a credential that is made here, which only traffic that mints comes by. */
export const mintPoints = ['mint:before-commit', 'mint:after-commit'] as const

/** Those of response wrapping, which only traffic that wraps comes by. */
export const wrapPoints = ['wrap:before-commit', 'wrap:after-commit', 'unwrap:before-commit', 'unwrap:after-commit'] as const

/** Those of a login. */
export const loginPoints = ['login:before-commit', 'login:after-commit'] as const

/** Those of a task that a request waits for, such as a rotation. */
export const rotationPoints = ['task:after-promise-commit', 'task:before-run', 'task:after-run', 'task:after-commit'] as const

/** Those of giving a lease to what has none. */
export const reconcilePoints = ['reconcile:before-adopt', 'reconcile:after-adopt-commit'] as const

/** Those of a backup. */
export const backupPoints = ['backup:before-copy', 'backup:after-copy'] as const

/** Those of a held store that is resumed. */
export const resumePoints = ['resume:before-lift', 'resume:after-lift'] as const

/** Those of the broker's own keys. */
export const keyPoints = [
  'rotate:before-commit',
  'keys:after-commit',
  'reseal:after-begin',
  'reseal:after-page',
  'reseal:before-end',
  'reseal:after-end',
  'seal-key:after-new-file',
  'seal-key:after-commit',
  'seal-key:after-rename'
] as const

export type CrashPoint =
  | (typeof crashPoints)[number]
  | (typeof mintPoints)[number]
  | (typeof wrapPoints)[number]
  | (typeof loginPoints)[number]
  | (typeof rotationPoints)[number]
  | (typeof reconcilePoints)[number]
  | (typeof backupPoints)[number]
  | (typeof resumePoints)[number]
  | (typeof keyPoints)[number]

/** Called at each point. The released program's is `nowhere`. */
export type At = (point: CrashPoint) => Promise<void> | undefined

export const nowhere: At = () => undefined
