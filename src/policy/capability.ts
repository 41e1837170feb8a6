/** What a rule can grant, in the alphabetical order in which clients read it. `sudo` is asked in addition, `deny` beats all others. */
export const capabilities = ['create', 'delete', 'deny', 'list', 'patch', 'read', 'scan', 'sudo', 'update'] as const

export type Capability = (typeof capabilities)[number]

const known: ReadonlySet<string> = new Set(capabilities)

export function isCapability(text: string): text is Capability {
  return known.has(text)
}
