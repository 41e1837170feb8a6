/** Looks for secrets where none may be, in every form in which a program could have written them down. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'

export interface Canary {
  readonly name: string
  readonly value: string | Buffer
}

export interface Place {
  readonly name: string
  readonly bytes: Buffer
}

// What is shorter is found by chance.
const canaryBytesMin = 8

/** A line for each hit: which secret, in which form, where. */
export function canariesIn(canaries: readonly Canary[], places: readonly Place[]): readonly string[] {
  const sought = canaries.flatMap(({ name, value }) => formsOf(value).map(([form, bytes]) => ({ form, bytes, name })))
  return places
    .filter(hasContent)
    .flatMap(unpacked)
    .flatMap(place =>
      sought.filter(({ bytes }) => place.bytes.includes(bytes)).map(({ name, form }) => `${name}, ${form}, in ${place.name}`)
    )
}

/** A file that only keeps room on the disk holds nothing, and is the largest. */
function hasContent({ bytes }: Place): boolean {
  return !bytes.equals(Buffer.alloc(bytes.length))
}

export function formsOf(value: string | Buffer): readonly (readonly [string, Buffer])[] {
  const raw = Buffer.from(value as string)
  if (raw.length < canaryBytesMin) throw new Error('too short to be looked for')
  const text = raw.toString()
  const hex = raw.toString('hex')
  const escaped = JSON.stringify(text).slice(1, -1)
  const forms: readonly (readonly [string, string | Buffer])[] = [
    ['raw', raw],
    ['in hex', hex],
    ['in HEX', hex.toUpperCase()],
    ['URL-encoded', encodeURIComponent(text)],
    ['as a form', new URLSearchParams([['', text]]).toString().slice(1)],
    ['in JSON', escaped],
    ['in JSON in JSON', JSON.stringify(escaped).slice(1, -1)],
    ['in UTF-16LE', Buffer.from(text, 'utf16le')],
    ['in UTF-16BE', Buffer.from(text, 'utf16le').swap16()],
    ...[0, 1, 2].flatMap(shift => base64At(raw, shift))
  ]
  return forms.map(([form, bytes]) => [form, Buffer.from(bytes as string)])
}

/** What stays the same of it, whatever stands around it, when it begins `shift` bytes into a group of three. */
function base64At(raw: Buffer, shift: number): readonly (readonly [string, string])[] {
  const padded = Buffer.concat([Buffer.alloc(shift), raw])
  const whole = padded.subarray(0, padded.length - (padded.length % 3))
  return (['base64', 'base64url'] as const).map(encoding => [`in ${encoding} at ${shift}`, whole.toString(encoding).slice(shift && 4)])
}

// RFC 1952: deflate, and no optional field in the header, as programs write it that pack a stream.
const gzipStart = Buffer.from([0x1f, 0x8b, 0x08, 0x00])
const gzipHeaderBytes = 10

/** The place, and each gzip member in it, whatever comes after it. */
function unpacked(place: Place): readonly Place[] {
  const found = [place]
  for (let at = place.bytes.indexOf(gzipStart); at >= 0; at = place.bytes.indexOf(gzipStart, at + 1))
    try {
      found.push({ name: `${place.name}, unpacked at ${at}`, bytes: inflateRawSync(place.bytes.subarray(at + gzipHeaderBytes)) })
    } catch {
      // Four bytes that only look like it.
    }
  return found
}

/** Every file below a folder. */
export function filesBelow(folder: string): readonly Place[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map(path => ({ name: path.slice(folder.length + 1), bytes: readFileSync(path) }))
}
