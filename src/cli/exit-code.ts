/** As scripts around this API expect: what went wrong on this side is 1, what the server refused is 2. */
export const exitCode = { done: 0, thisSide: 1, refused: 2 } as const

export const exitCodeHelp = `Exit codes:
  0  done
  1  wrong usage, or this side failed; nothing was changed
  2  the server refused, is sealed, or cannot be reached
  status: 0 unsealed, 2 sealed, 1 error.  audit verify: 0 it holds, 2 it does not, 1 error.  reconcile: 2 something has no lease, or no object.`
