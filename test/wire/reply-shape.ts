import type { WireReply } from './serve-in-memory.ts'

type Shape = Readonly<Record<string, string>>

/** Where two replies to one request differ for a client that decodes strictly: status, content type, texts of errors, and every key with its type; of `values` the value. */
export function differences(here: WireReply, there: WireReply, values: readonly string[] = []): readonly string[] {
  const [ours, theirs] = [shapeOf(here, values), shapeOf(there, values)]
  // Replies of two statuses have no keys to compare.
  const compared =
    here.status === there.status ? Object.keys({ ...ours, ...theirs }) : ['reply status', 'content type', 'errors', 'warnings']
  return compared
    .filter(key => ours[key] !== theirs[key])
    .map(key => `${key}: ${ours[key] ?? 'absent'} here, ${theirs[key] ?? 'absent'} there`)
    .toSorted()
}

function shapeOf({ status, type, json }: WireReply, values: readonly string[]): Shape {
  const shape: Record<string, string> = { 'reply status': String(status), 'content type': type ?? '' }
  describe(json, '', shape)
  for (const key of values) shape[key] = JSON.stringify(key.split('.').reduce<any>((value, part) => value?.[part], json)) ?? 'absent'
  return shape
}

/** One line for each leaf. Texts of errors and warnings count as they are: clients search in them. */
function describe(value: unknown, path: string, shape: Record<string, string>): void {
  // What is left of a maximum depends on the second of the request.
  if (/^(errors|warnings)$/.test(path)) shape[path] = JSON.stringify(value).replace(/max_ttl of \\"[^"]*"/, 'max_ttl of N')
  else if (Array.isArray(value)) describeList(value, path, shape)
  else if (typeof value === 'object' && value !== null) {
    if (path !== '') shape[path] = 'object'
    for (const [key, entry] of Object.entries(value)) describe(entry, path === '' ? key : `${path}.${key}`, shape)
  } else shape[path] = value === null ? 'null' : typeof value
}

/** Elements of one list have one shape; how many there are is the server's affair. */
function describeList(list: readonly unknown[], path: string, shape: Record<string, string>): void {
  shape[path] = list.length === 0 ? 'empty list' : 'list'
  if (list.length > 0) describe(list[0], `${path}[]`, shape)
}
