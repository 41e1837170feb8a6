import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export type Maker = 'mysql' | 'mariadb' | 'unknown'

// A client prints its version in milliseconds; what takes longer is asked nothing more.
const answerMsMax = 2_000

/** Whose client that is, by what it says of itself: on many machines `mysql` is MariaDB's. */
export async function makerOf(program: string, env: Readonly<Record<string, string | undefined>>): Promise<Maker> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { env, timeout: answerMsMax })
    if (/MariaDB/i.test(stdout)) return 'mariadb'
    return /\bVer \d+\.\d+\.\d+/.test(stdout) ? 'mysql' : 'unknown'
  } catch {
    return 'unknown'
  }
}
