import { constants } from 'node:os'

/** Of a call to the file system: the disk is full, or our quota of it is spent. That one Node knows by its number alone. */
export function isNoRoom(error: unknown): boolean {
  const { code, errno } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || errno === -constants.errno.EDQUOT
}
