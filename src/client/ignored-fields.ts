import type { IncomingHttpHeaders } from 'node:http'

/** The warning of a reply without a body, in the words of one that has a body. */
export function ignoredFields(headers: IncomingHttpHeaders): readonly string[] | null {
  const names = headers['x-mayfly-ignored']
  if (typeof names !== 'string' || names === '') return null
  return [`Endpoint ignored these unrecognized parameters: [${names.split(' ').map(decoded).join(' ')}]`]
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
