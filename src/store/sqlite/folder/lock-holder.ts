import { readFileSync, statSync } from 'node:fs'

// Where SQLite locks, whatever the length of the file (PENDING_BYTE).
const sqliteLockStart = 0x40_00_00_00

/** The process that holds SQLite's lock of a file, where the system tells (Linux); for words to people, and for nothing that is decided. `locks`: the kernel's table. */
export function lockHolder(file: string, locks = '/proc/locks'): number | undefined {
  try {
    const { ino, dev } = statSync(file)
    const device = deviceName(dev)
    const held = readFileSync(locks, 'utf8')
      .split('\n')
      .flatMap(line => {
        const [, pid, on, inode, start] = /^\d+: POSIX +\w+ +WRITE +(\d+) (\w+:\w+):(\d+) (\d+) /.exec(line) ?? []
        return Number(inode) === ino && Number(start) === sqliteLockStart ? [{ pid: Number(pid), on }] : []
      })
    // Numbers of files begin anew on each device: the folders of two brokers, each on a volume of its own, may have the same. Btrfs and overlays tell a file's device in two ways.
    const found = held.find(({ on }) => on === device) ?? (device.startsWith('00:') ? held[0] : undefined)
    // A process of another container is called 0.
    return found?.pid || undefined
  } catch {
    return undefined
  }
}

/** As the kernel's tables have it. */
function deviceName(dev: number): string {
  const [major, minor] = [(dev >> 8) & 0xf_ff, (dev & 0xff) | ((dev >> 12) & 0xf_ff_00)]
  return [major, minor].map(number => number.toString(16).padStart(2, '0')).join(':')
}
