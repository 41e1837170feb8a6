import { Denied, NothingThere, Refused, Sealed, TooMany } from './client-error.ts'
import type { Answered } from './exchange.ts'

/** The error that a reply means, by its status. */
export function refusal(path: string, { status, headers, text }: Answered): Refused {
  const texts = textsOf(text)
  switch (status) {
    case 403:
      return new Denied(path, status, texts)
    case 404:
      // With a text it is no route, a mistake of the caller; without one it is a path where nothing lives.
      return texts.length === 0 ? new NothingThere(path, status, texts) : new Refused(path, status, texts)
    case 429:
      return new TooMany(path, status, texts, seconds(headers['retry-after']))
    case 503:
      // A proxy in between answers 503 too; clients of this API look for the word.
      return texts.some(text => text.includes('sealed')) ? new Sealed(path, status, texts) : new Refused(path, status, texts)
    default:
      return new Refused(path, status, texts)
  }
}

function textsOf(text: string): readonly string[] {
  try {
    const body = JSON.parse(text) as { readonly errors?: unknown } | null
    return Array.isArray(body?.errors) ? body.errors.filter(one => typeof one === 'string').map(plain) : []
  } catch {
    // Not of this API, a proxy's page for instance: the status says enough.
    return []
  }
}

/** `1 error occurred:\n\t* permission denied\n\n` is how some errors come over the wire. */
function plain(text: string): string {
  const listed = /^\d+ errors? occurred:\n\t\* ([^]*?)\s*$/.exec(text)
  return (listed?.[1] ?? text).replaceAll('\n\t* ', '; ').trim()
}

function seconds(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined
}
