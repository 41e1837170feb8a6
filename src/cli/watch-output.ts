import { setImmediate as nextTurn } from 'node:timers/promises'
import { exitCode } from './exit-code.ts'
import type { Io } from './io.ts'
import { Terminal } from './terminal.ts'

/** What became of standard output. */
export interface LostOutput {
  error?: NodeJS.ErrnoException
}

// `mayfly lease ls | head` is no error; nor is a terminal that was closed, where there may still be something to revoke.
const closed: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO'])

/** From here on a screen that takes nothing more ends no command. */
export function watchOutput({ stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>): LostOutput {
  const lost: LostOutput = {}
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!closed.has(error.code)) lost.error ??= error
  })
  // There is nobody left to tell.
  stderr.on('error', () => undefined)
  return lost
}

/** The exit code, once it is known whether what was shown has arrived: a script must not go on with half a reply. */
export async function told(code: number, lost: LostOutput, io: Pick<Io, 'stdout' | 'stderr' | 'env'>): Promise<number> {
  await nextTurn()
  if (!lost.error) return code
  new Terminal(io, 'table').error(
    `cannot write the output (${lost.error.code ?? 'error'}): what was asked for is done, and was not shown whole`
  )
  return code === exitCode.done ? exitCode.thisSide : code
}
