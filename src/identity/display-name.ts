/** What a token is called in leases, names of users and the audit: `token`, or `token-<asked>` in an alphabet that every target takes. */
export function tokenDisplayName(asked: string): string {
  if (asked === '') return 'token'
  return `token-${asked}`.replaceAll(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '')
}
