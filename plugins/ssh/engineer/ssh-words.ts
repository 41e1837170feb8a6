// ssh(1): those that take a value.
const withValue = /[BbcDEeFIiJLlmOoPpQRSWw]/

/** The user's words for ssh up to the place they lead to, which they may lack (`-V`). What follows is a command for there, or more options. */
export function wordsToDestination(args: readonly string[]): readonly string[] | undefined {
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!
    if (word === '--') return args[at + 1] === undefined ? undefined : args.slice(0, at + 2)
    if (!word.startsWith('-') || word === '-') return args.slice(0, at + 1)
    if (takesNext(word)) at++
  }
  return undefined
}

/** `-p 22`, and not `-p22`; `-4p 22` too. */
function takesNext(word: string): boolean {
  const at = word.slice(1).search(withValue)
  return at >= 0 && at === word.length - 2
}
