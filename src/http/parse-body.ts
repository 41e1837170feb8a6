import { isUtf8 } from 'node:buffer'
import { BrokerError } from '../contracts/index.ts'
import type { Json, JsonObject } from '../contracts/index.ts'
import { checkJsonLimits } from './json-limits.ts'

/** The fields of a body. An empty one and `null` have none. No error repeats a value: a malformed body may hold a secret. */
export function parseBody(body: Buffer, form: boolean): JsonObject {
  if (body.length === 0) return {}
  if (!isUtf8(body)) throw undecodable('not UTF-8')
  // `curl -d '{…}'` says that it sends a form.
  return form && !startsAsJson(body) ? parseForm(body) : parseJson(body)
}

function parseJson(body: Buffer): JsonObject {
  const keys = checkJsonLimits(body)
  const text = body.toString()
  if (text.trim() === '') return {}
  const value = decode(text)
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw undecodable('expected an object')
  if (checkValues(value, '') !== keys) throw undecodable('a key is given twice')
  return value as JsonObject
}

function decode(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Its message quotes the text.
    throw undecodable('not valid JSON')
  }
}

const nameCharsMax = 128

/** How many keys the value has. `JSON.parse` lets the last duplicate win, makes `__proto__` a key, and rounds or overflows numbers: none of these passes. */
function checkValues(value: Json, name: string): number {
  if (typeof value === 'number' && isInexact(value))
    throw new BrokerError('invalid_request', `Field validation failed: ${name.slice(0, nameCharsMax) || 'body'}: the number is too large`)
  if (typeof value !== 'object' || value === null) return 0
  let keys = 0
  if (Array.isArray(value)) {
    for (const element of value as readonly Json[]) keys += checkValues(element, name)
    return keys
  }
  for (const [key, entry] of Object.entries(value)) {
    if (key === '__proto__') throw undecodable('the key __proto__ is refused')
    keys += 1 + checkValues(entry, key)
  }
  return keys
}

function isInexact(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))
}

const formBytesMax = 1_048_576
const formFieldsMax = 10_000

function parseForm(body: Buffer): JsonObject {
  if (body.length > formBytesMax) throw new BrokerError('body_too_large', 'http: request body too large')
  const fields: Record<string, string> = {}
  let count = 0
  for (const [name, value] of new URLSearchParams(body.toString())) {
    if (name === '__proto__') throw undecodable('the key __proto__ is refused')
    if (++count > formFieldsMax) throw undecodable('too many fields')
    // As on the wire, where nearly every list may also be one text with commas.
    fields[name] = Object.hasOwn(fields, name) ? `${fields[name]},${value}` : value
  }
  return fields
}

/** Whatever the content type says. `null` is a write without fields. */
function startsAsJson(body: Buffer): boolean {
  let start = 0
  while (body[start] === 0x20 || (body[start]! >= 0x09 && body[start]! <= 0x0d)) start++
  const first = body[start]
  return first === 0x7b || first === 0x5b || (body.length - start < 64 && body.toString('latin1', start).trim() === 'null')
}

function undecodable(why: string): BrokerError {
  return new BrokerError('invalid_request', `failed to decode JSON input: ${why}`)
}
