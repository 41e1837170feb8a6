/** What STS takes: of a role session 2 to 64 characters, of a federated user 2 to 32. */
export const sessionNameMax = { role: 64, federation: 32 } as const

// Enough of the lease id's random end that no two sessions share a name, and that whoever reads CloudTrail finds the lease.
const leaseCharacters = { role: 24, federation: 16 } as const

/** Who asked, readable, and at its end the end of the lease id. What STS does not take becomes `_`; what is too long is cut, never its end. */
export function sessionName(kind: keyof typeof sessionNameMax, wanted: string, lease: string): string {
  const end = leasePart(lease).slice(-leaseCharacters[kind])
  const start = wanted.replaceAll(/[^\w+=,.@-]/g, '_').slice(0, sessionNameMax[kind] - end.length - 1)
  return `${start || 'mayfly'}-${end}`
}

/** The random part of a lease id. */
export const leasePart = (lease: string): string => lease.slice(lease.lastIndexOf('/') + 1)

/** What a caller asked to be called by and is not: as on the wire it is cut, and told. */
export function nameWarnings(kind: keyof typeof sessionNameMax, wanted: string | undefined): readonly string[] {
  const room = sessionNameMax[kind] - leaseCharacters[kind] - 1
  if (wanted === undefined || wanted.length <= room) return []
  return [
    `role_session_name: cut to ${room} characters, because the name ends as the lease id does and has ${sessionNameMax[kind]} at most`
  ]
}
