import { createReadStream } from 'node:fs'

// A line has a few kilobytes; more than this is no line of a trail, and would only fill the memory.
const lineLengthMax = 16 * 2 ** 20

/** The lines of files, one after the other, as if they were one, each with its line feed if it has one. Bytes are taken one by one: a line of the trail is ASCII, so whatever else
 *  is there differs from what was hashed. */
export async function* openLines(...paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) yield* splitLines(createReadStream(path, { encoding: 'latin1', highWaterMark: 256 * 1_024 }))
}

export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const text = rest + chunk
    let from = 0
    for (let end = text.indexOf('\n', rest.length); end >= 0; end = text.indexOf('\n', from)) {
      yield text.slice(from, end + 1)
      from = end + 1
    }
    rest = text.slice(from)
    if (rest.length > lineLengthMax) {
      yield rest
      rest = ''
    }
  }
  if (rest) yield rest
}
