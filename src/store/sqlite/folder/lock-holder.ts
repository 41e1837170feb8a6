import { readFileSync, statSync } from 'node:fs'

// Where SQLite locks, whatever the length of the file (PENDING_BYTE).
const sqliteLockStart = 0x40_00_00_00

/** The process that holds SQLite's lock of a file, where the system tells (Linux); for words to people, and for nothing that is decided. */
export function lockHolder(file: string): number | undefined {
  try {
    const { ino } = statSync(file)
    const held = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map(line => /^\d+: POSIX +\w+ +WRITE +(\d+) \w+:\w+:(\d+) (\d+) /.exec(line)?.slice(1).map(Number) ?? [])
      .find(([, inode, start]) => inode === ino && start === sqliteLockStart)
    // A process of another container is called 0.
    return held?.[0] || undefined
  } catch {
    return undefined
  }
}
