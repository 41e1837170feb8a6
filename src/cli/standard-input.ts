import { StringDecoder } from 'node:string_decoder'
import type { Io, Keyboard } from './io.ts'
import { UsageError } from './usage-error.ts'

// As much as the server takes in one body.
const inputBytesMax = 32 * 1_024 * 1_024

/** Standard input, which can be read once. */
export class StandardInput {
  readonly #io: Pick<Io, 'stdin' | 'stderr'>
  #taken = false

  constructor(io: Pick<Io, 'stdin' | 'stderr'>) {
    this.#io = io
  }

  async text(): Promise<string> {
    return readToEnd(this.#take())
  }

  /** A secret: asked for without echo on a terminal, else all of standard input, without the white space around it. */
  async secret(prompt: string): Promise<string> {
    const stdin = this.#take()
    if (!stdin.isTTY || stdin.setRawMode === undefined) return (await readToEnd(stdin)).trim()
    this.#io.stderr.write(`${prompt} (not shown): `)
    try {
      return (await readHidden(stdin)).trim()
    } finally {
      this.#io.stderr.write('\n')
    }
  }

  #take(): Keyboard {
    const { stdin } = this.#io
    if (stdin === undefined) throw new UsageError('there is no standard input')
    if (this.#taken) throw new UsageError('standard input is asked for twice')
    this.#taken = true
    return stdin
  }
}

async function readToEnd(stdin: Keyboard): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > inputBytesMax) throw new UsageError('standard input is larger than any request may be')
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function readHidden(stdin: Keyboard): Promise<string> {
  const decoder = new StringDecoder('utf8')
  let typed = ''
  stdin.setRawMode?.(true)
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
      for (const character of decoder.write(Buffer.from(chunk))) {
        if (character === '\r' || character === '\n' || character === '\u0004') return typed
        if (character === '\u0003') throw new UsageError('interrupted')
        typed = character === '\u007f' || character === '\b' ? typed.slice(0, -1) : typed + character
      }
    }
    return typed
  } finally {
    stdin.setRawMode?.(false)
  }
}
