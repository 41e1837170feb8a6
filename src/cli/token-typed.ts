import type { Invocation } from './invocation.ts'

/** A token that a command is about: typed, or from standard input with `-`. Typed it works, and the user is told what it costs. */
export async function tokenTyped({ input, terminal }: Invocation, said: string): Promise<string> {
  if (said === '-') return input.secret('Token')
  terminal.warn(
    'a token on the command line stays in the history of your shell, and other processes can read it: - takes it from standard input'
  )
  return said
}
