import type { Shell } from './shell.ts'

/** A credential of the role shop. */
export async function issuedBy(shell: Shell): Promise<{ readonly lease: string; readonly username: string }> {
  const { out } = await shell.run('read -format=json memory/creds/shop')
  const { lease_id: lease, data } = JSON.parse(out) as { lease_id: string; data: { username: string } }
  return { lease, username: data.username }
}
