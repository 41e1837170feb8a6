import type { Json, JsonObject } from '../contracts/json.ts'

/** The request line's target for a path of the API. Each segment is encoded by itself; dots and doubled slashes go out as they are, for the server to judge. */
export function requestTarget(address: URL, path: string, query: JsonObject): string {
  const base = address.pathname.replace(/\/$/, '')
  const segments = path
    .replace(/^\/+/, '')
    .split('/')
    .map(segment => encodeURIComponent(segment.toWellFormed()))
  const search = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => pairs(name, value))).toString()
  return `${base}/v1/${segments.join('/')}${search === '' ? '' : `?${search}`}`
}

function pairs(name: string, value: Json): [string, string][] {
  if (Array.isArray(value)) return value.map(one => [name, text(one as Json)])
  return [[name, text(value)]]
}

function text(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
