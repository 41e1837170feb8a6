import { statSync } from 'node:fs'

/** Which file this is, whatever its name and content: inode and moment of birth, which no program can set. A copy has others, and so has a file that was unlinked and
 *  written anew. Not the device: its number changes with a restart of the machine or when a volume is mounted elsewhere. Empty: no file. */
export function fileIdentity(file: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false })
  return stats ? `${stats.ino}:${stats.birthtimeNs}` : ''
}

/** A file system that knows no births says 0: there only the inode speaks. */
export function sameFile(one: string, other: string): boolean {
  if (one === '' || other === '') return false
  const [[inode, born], [otherInode, otherBorn]] = [one.split(':'), other.split(':')]
  return inode === otherInode && (born === otherBorn || born === '0' || otherBorn === '0')
}
