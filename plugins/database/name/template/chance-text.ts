/** A text that knows where its randomness is: the bits up to any character are, in sum, no more than a guesser of the text up to there has to guess. So the sum of what
 *  is left is a true lower bound, wherever the text is cut. Characters are bytes. */
export interface ChanceText {
  readonly text: string
  readonly bits: readonly number[]
}

export const plain = (text: string): ChanceText => ({ text, bits: Array.from({ length: text.length }, () => 0) })

export const bitsOf = ({ bits }: ChanceText): number => bits.reduce((sum, one) => sum + one, 0)

export function joined(texts: readonly ChanceText[]): ChanceText {
  return { text: texts.map(({ text }) => text).join(''), bits: texts.flatMap(({ bits }) => bits) }
}

export function cut({ text, bits }: ChanceText, length: number): ChanceText {
  return { text: text.slice(0, length), bits: bits.slice(0, length) }
}

/** Another writing of the same characters in which two may become one: a bit of each is lost. */
export function merged({ bits }: ChanceText, text: string): ChanceText {
  return { text, bits: bits.map(one => Math.max(0, one - 1)) }
}

/** A digest: no character of it tells anything of the source, and together they hold no more than the source does. */
export function digested(source: ChanceText, text: string, bitsEach: number): ChanceText {
  let left = bitsOf(source)
  const bits = Array.from({ length: text.length }, () => {
    const one = Math.min(bitsEach, left)
    left -= one
    return one
  })
  return { text, bits }
}
