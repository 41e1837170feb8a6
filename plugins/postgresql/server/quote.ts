import { BrokerError } from 'mayfly/plugin'

/** `"name"`, whatever the name holds. Names read back from a server are hostile: they are quoted as well. */
export const quoteIdentifier = (name: string): string => `"${withoutNul(name).replaceAll('"', () => '""')}"`

/** `'text'`. A backslash means itself: every session sets `standard_conforming_strings`. */
export const quoteLiteral = (text: string): string => `'${withoutNul(text).replaceAll("'", () => "''")}'`

/** A literal of an array of texts. */
export const quoteTexts = (texts: readonly string[]): string => `array[${texts.map(quoteLiteral).join(', ')}]::text[]`

export const quoteOids = (oids: readonly number[]): string => `'{${oids.map(oid => Math.trunc(oid)).join(',')}}'::pg_catalog.oid[]`

function withoutNul(text: string): string {
  // The wire's text ends at NUL: what follows would silently vanish.
  if (text.includes('\0')) throw new BrokerError('invalid_request', 'a name or value contains NUL')
  return text
}
