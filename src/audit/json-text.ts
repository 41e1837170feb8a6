/** Writes the JSON of audit entries by hand: two entries per request make this the hottest serialisation of the broker.
 *
 *  A line is printable ASCII and nothing else. So it stays one line for every reader (U+2028 and U+2029 end a line in some), no control or direction character reaches a
 *  terminal, and a cut or an edit of the file is a cut or an edit of the text, whatever the encoding.
 *
 *  A field is `,"name":value`, or nothing when its value is empty: what is empty is left out. */

// Longer text in clear is clipped: a path or an error is read by people, and a line must stay a line.
const clearLengthMax = 4_096

const odd = /[^\x20-\x7e]|["\\]/
const beyondAscii = /[\x7f-\uffff]/g

export function quote(text: string): string {
  if (text.length > clearLengthMax)
    return quote(`${text.slice(0, clearLengthMax - 64)} (${text.length - clearLengthMax + 64} more characters)`)
  if (!odd.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(beyondAscii, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function textField(name: string, value: string | null | undefined): string {
  return value ? `,"${name}":${quote(value)}` : ''
}

export function numberField(name: string, value: number | undefined): string {
  return value ? `,"${name}":${value}` : ''
}

export function listField(name: string, values: readonly string[] | undefined): string {
  return values && values.length > 0 ? `,"${name}":[${values.map(quote).join(',')}]` : ''
}

export function mapField(name: string, values: Readonly<Record<string, string>> | null | undefined): string {
  return values
    ? jsonField(
        name,
        object(
          Object.entries(values)
            .map(([key, value]) => `,${quote(key)}:${quote(value)}`)
            .join('')
        )
      )
    : ''
}

/** `json` is JSON text, or nothing. */
export function jsonField(name: string, json: string): string {
  return json && json !== '{}' ? `,"${name}":${json}` : ''
}

/** An object of fields, or nothing when there are none. */
export function object(fields: string): string {
  return fields ? `{${fields.slice(1)}}` : ''
}

// Deeper than anything that the broker itself describes.
const clearDepthMax = 8

/** A value of the broker's own making, in clear. Never what a caller or a target sent. */
export function clearJson(value: unknown, depth = 0): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'boolean' || value === null) return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  if (typeof value === 'bigint') return quote(String(value))
  if (typeof value !== 'object') return 'null'
  if (depth >= clearDepthMax) return '"[too deep]"'
  if (Array.isArray(value)) return `[${value.map(item => clearJson(item, depth + 1)).join(',')}]`
  if (value instanceof Temporal.Instant) return quote(value.toString())
  const fields = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${fields.map(([key, item]) => `${quote(key)}:${clearJson(item, depth + 1)}`).join(',')}}`
}
