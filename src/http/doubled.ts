/** Paths whose keys of `data` stand at the top level too: old SDKs read them there. `sys/mounts` is followed by a slash or by nothing. */
const withAllBelow = ['sys/audit', 'sys/auth', 'sys/mounts', 'sys/policy', 'sys/config/auditing/request-headers', 'sys/audit-hash']

const alone: ReadonlySet<string> = new Set([
  'sys/capabilities',
  'sys/capabilities-self',
  'sys/capabilities-accessor',
  'sys/key-status',
  'sys/rotate',
  'sys/rotate/keyring',
  'sys/rotate/root/backup',
  'sys/rotate/recovery/backup',
  'sys/rekey/backup',
  'sys/rekey/recovery-key-backup',
  'sys/remount',
  'sys/wrapping/wrap',
  'sys/config/cors',
  'sys/ha-status'
])

export function isDoubled(path: string): boolean {
  if (!path.startsWith('sys/')) return false
  return (
    alone.has(path) || withAllBelow.some(start => path.startsWith(start) && (path.length === start.length || path[start.length] === '/'))
  )
}
