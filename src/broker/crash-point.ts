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

export type CrashPoint = (typeof crashPoints)[number]

/** Called at each point. The released program's is `nowhere`. */
export type At = (point: CrashPoint) => Promise<void> | undefined

export const nowhere: At = () => undefined
