// ssh(1): those that take a value.
const withValue = /[BbcDEeFIiJLlmOoPpQRSWw]/

/** A word of options, `-v` or `-4A`, and one with a value: `-p 22`, `-p22`, `-4p 22`. */
interface Option {
  readonly flags: string
  readonly letter: string
  readonly value: string | undefined
  readonly at: number
  readonly next: number
}

/** A user's words for ssh, as ssh reads them: options, the place they lead to, more options, and a command for there. */
export class SshWords {
  readonly #args: readonly string[]
  readonly #options: readonly Option[]
  /** Up to the place; absent where they lack one (`-V`). */
  readonly toDestination: readonly string[] | undefined

  constructor(args: readonly string[]) {
    this.#args = args
    const before = optionsFrom(args, 0)
    const at = before.at(-1)?.next ?? 0
    const place = args[at] === '--' ? at + 1 : at
    this.toDestination = args[place] === undefined ? undefined : args.slice(0, place + 1)
    this.#options = [...before, ...optionsFrom(args, place + 1)]
  }

  /** What ssh itself hands on to the ssh of a jump host: which configuration, and how much to say. */
  get forJumps(): readonly string[] {
    const file = this.#options.find(({ letter }) => letter === 'F')?.value
    const loud = this.#options.map(({ flags }) => flags.replaceAll(/[^v]/g, '')).join('')
    return [...(file === undefined ? [] : ['-F', file]), ...(loud === '' ? [] : [`-${loud}`])]
  }

  /** Where the way is said otherwise: ssh refuses `-J` beside it. */
  get withoutJump(): readonly string[] {
    const jumps = this.#options.filter(({ letter }) => letter === 'J')
    return this.#args.flatMap((word, at) => {
      const jump = jumps.find(one => at >= one.at && at < one.next)
      if (!jump) return [word]
      return at === jump.at && jump.flags !== '' ? [`-${jump.flags}`] : []
    })
  }
}

function optionsFrom(args: readonly string[], from: number): readonly Option[] {
  const options: Option[] = []
  for (let option = optionAt(args, from); option; option = optionAt(args, option.next)) options.push(option)
  return options
}

function optionAt(args: readonly string[], at: number): Option | undefined {
  const word = args[at]
  if (word === undefined || !word.startsWith('-') || word === '-' || word === '--') return undefined
  const found = word.slice(1).search(withValue) + 1
  if (found === 0) return { flags: word.slice(1), letter: '', value: undefined, at, next: at + 1 }
  const inWord = word.slice(found + 1)
  const [value, next] = inWord === '' ? [args[at + 1], at + 2] : [inWord, at + 1]
  return { flags: word.slice(1, found), letter: word[found]!, value, at, next }
}
