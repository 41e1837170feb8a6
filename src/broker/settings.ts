/** What the configuration says to the broker. Durations in seconds. */
export interface Settings {
  readonly defaultTtl: number
  readonly maxTtl: number
  /** Credentials whose role and mount name no TTL. */
  readonly credentialTtl: number
  readonly historyTtl: number
  readonly auditKeep: number
  /** Between two looks at a target for the use of its credentials. */
  readonly observeEvery: number
  readonly targetTls: 'any' | 'verified'
  readonly targetEndpoints?: readonly string[]
  /** Absolute; where `sys/audit` may put files. Absent: nowhere. */
  readonly auditDirectory: string | undefined
  readonly version: string
}
