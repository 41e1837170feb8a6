import { z } from 'mayfly/plugin'

/** A map of texts as this engine's clients write it: an object, an object as JSON text, `"k=v"`, or an array of objects, which are merged (`[{"permit-pty": ""}]`). */
export function optionMap() {
  return z.preprocess(toObject, z.record(z.string(), optionValue(), 'expected a map of text').optional())
}

// `null` is a flag without a value to some clients.
function optionValue() {
  return z.preprocess(
    value => (value === null ? '' : typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
    z.string('expected text')
  )
}

export function toObject(value: unknown): unknown {
  if (value === null || value === '') return undefined
  if (typeof value === 'string') return fromText(value)
  if (!Array.isArray(value)) return value
  const objects = value.map(one => (typeof one === 'string' ? fromText(one) : (one as unknown)))
  if (objects.some(one => typeof one !== 'object' || one === null || Array.isArray(one))) return value
  const merged: Record<string, unknown> = Object.create(null)
  for (const object of objects) Object.assign(merged, object)
  return { ...merged }
}

function fromText(text: string): unknown {
  const pair = /^([^={]+)=(.*)$/s.exec(text)
  if (pair) return { [pair[1]!]: pair[2]! }
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
