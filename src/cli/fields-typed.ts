import type { Json, JsonObject } from '../contracts/index.ts'
import { readNamedFile } from './settings.ts'
import type { StandardInput } from './standard-input.ts'
import { UsageError } from './usage-error.ts'

/** Fields as people type them: `k=v`, `k=@file`, `k=-` (standard input), `k=\@text` for a text that begins with an at sign; `@file` and `-` hold a whole JSON object. A key
 *  that comes again makes a list. No message repeats a value: it may be a secret. */
export async function fieldsTyped(words: readonly string[], input: StandardInput): Promise<JsonObject> {
  const found = new Map<string, Json>()
  for (const [index, word] of words.entries()) {
    for (const [key, value] of await read(word, index, input)) {
      const before = found.get(key)
      found.set(key, before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value])
    }
  }
  return Object.fromEntries(found)
}

async function read(word: string, index: number, input: StandardInput): Promise<readonly (readonly [string, Json])[]> {
  if (word === '-') return Object.entries(jsonObject(await input.text(), 'standard input'))
  if (word.startsWith('@')) return Object.entries(jsonObject(readNamedFile(word.slice(1)), word.slice(1)))
  const sign = word.indexOf('=')
  if (sign < 1) throw new UsageError(`field ${index + 1}: expected key=value, key=@file, key=-, @file.json or -`)
  return [[word.slice(0, sign), await valueOf(word.slice(sign + 1), input)]]
}

async function valueOf(text: string, input: StandardInput): Promise<string> {
  if (text === '-') return input.text()
  if (text.startsWith('@')) return readNamedFile(text.slice(1))
  return text.startsWith('\\@') ? text.slice(1) : text
}

function jsonObject(text: string, from: string): JsonObject {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    // The parser's own message quotes the text.
    throw new UsageError(`${from}: expected a JSON object, found no JSON`)
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new UsageError(`${from}: expected a JSON object`)
  return value as JsonObject
}
