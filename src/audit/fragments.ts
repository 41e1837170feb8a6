import { cutShort } from './cut-short.ts'
import type { Problem } from './verdict.ts'

/** An unfinished line, and what is wrong with it unless the whole line follows. */
interface Fragment {
  readonly text: string
  readonly node: string | undefined
  readonly problem: Problem
}

/** Lines that a crash or a full disk cut short. Each is proven harmless by the whole line that follows and begins with it: the sink wrote it anew. */
export class Fragments {
  #open: Fragment[] = []
  mended = 0

  /** Whether `line` can be one. */
  add(line: string, problem: Problem): boolean {
    const text = cutShort(line)
    if (text === undefined) return false
    this.#open.push({ text, node: /"node":"([^"]+)"/.exec(text)?.[1], problem })
    return true
  }

  /** A whole line settles those that it begins with. The node's next line must: what then is left was no accident. */
  settle(line: string, node: string | undefined): Problem | undefined {
    if (this.#open.length === 0) return undefined
    const left = this.#open.filter(fragment => !line.startsWith(fragment.text))
    this.mended += this.#open.length - left.length
    this.#open = left
    return node === undefined ? undefined : left.find(fragment => fragment.node === node)?.problem
  }

  get first(): Problem | undefined {
    return this.#open[0]?.problem
  }

  /** At the end of the file: a last line without its line feed is a torn tail, and no problem. */
  takeTail(line: number): boolean {
    if (this.#open.at(-1)?.problem.line !== line) return false
    this.#open.pop()
    return true
  }
}
