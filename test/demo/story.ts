import process from 'node:process'
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const colour = (style: Style, text: string) => styleText(style, text, { stream: process.stdout })

/** Prints the demo: chapters, what is done, what is seen. Colour on a terminal only. */
export const story = {
  title(text: string): void {
    process.stdout.write(`\n${colour(['bold', 'yellow'], text)}\n`)
  },
  chapter(number: number, text: string): void {
    process.stdout.write(`\n${colour('bold', `${number}. ${text}`)}\n`)
  },
  does(command: string): void {
    process.stdout.write(`   ${colour('cyan', '$')} ${colour('cyan', command)}\n`)
  },
  sees(text: string): void {
    for (const line of text.split('\n')) process.stdout.write(`     ${line}\n`)
  },
  good(text: string): void {
    process.stdout.write(`   ${colour('green', '✓')} ${text}\n`)
  },
  says(text: string): void {
    process.stdout.write(`   ${colour('gray', text)}\n`)
  }
}

/** A step that must come true, or the demo has failed and says so. */
export function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the demo expected: ${what}`)
  story.good(what)
}
