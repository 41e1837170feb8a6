import type { JsonObject } from '../../contracts/index.ts'
import { UsageError } from '../usage-error.ts'

/** A text with holes: `postgres://{{DB.username}}:{{DB.password}}@db/app`. */
export interface Template {
  /** Where it was typed, for errors. */
  readonly from: string
  readonly parts: readonly (string | Hole)[]
}

interface Hole {
  readonly lease: string
  readonly field: string
  readonly filter: Filter | undefined
}

const filters = {
  /** For a place in a URL. */
  url: (value: string) => encodeURIComponent(value),
  /** For between two quotes of JSON. */
  json: (value: string) => JSON.stringify(value).slice(1, -1)
}
type Filter = keyof typeof filters

const hole = /\{\{([^{}]*)\}\}/g
const holeText = /^\s*([A-Za-z_]\w*)\.([A-Za-z_][\w-]*)\s*(?:\|\s*(\w+)\s*)?$/

/** Refuses what it does not know, before anything is issued. */
export function parseTemplate(from: string, text: string, leases: ReadonlySet<string>): Template {
  const parts: (string | Hole)[] = []
  let end = 0
  for (const found of text.matchAll(hole)) {
    parts.push(text.slice(end, found.index), parseHole(from, found[1] ?? '', leases))
    end = found.index + found[0].length
  }
  return { from, parts: [...parts, text.slice(end)] }
}

function parseHole(from: string, text: string, leases: ReadonlySet<string>): Hole {
  const found = holeText.exec(text)
  if (!found) throw new UsageError(`${from}: {{${text}}}: expected {{NAME.field}}, or {{NAME.field | url}}`)
  const [, lease = '', field = '', filter] = found
  if (!leases.has(lease)) throw new UsageError(`${from}: {{${text}}}: no --lease is called ${lease}`)
  if (filter !== undefined && !Object.hasOwn(filters, filter))
    throw new UsageError(`${from}: {{${text}}}: expected ${Object.keys(filters).join(' or ')} behind the |`)
  return { lease, field, filter: filter as Filter | undefined }
}

export function leasesIn({ parts }: Template): readonly string[] {
  return parts.flatMap(part => (typeof part === 'string' ? [] : [part.lease]))
}

export function fill({ from, parts }: Template, credentials: ReadonlyMap<string, JsonObject>): string {
  return parts.map(part => (typeof part === 'string' ? part : valueOf(from, part, credentials.get(part.lease) ?? {}))).join('')
}

function valueOf(from: string, { lease, field, filter }: Hole, fields: JsonObject): string {
  const value = Object.hasOwn(fields, field) ? fields[field] : undefined
  if (value === undefined)
    throw new UsageError(`${from}: ${lease} has no field ${field}; it has ${Object.keys(fields).join(', ') || 'none'}`)
  const text = fieldText(value)
  return filter === undefined ? text : filters[filter](text)
}

/** As a program reads it from its environment. */
export function fieldText(value: JsonObject[string]): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
