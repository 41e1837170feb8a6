import { stringify } from 'yaml'

// Control characters move the cursor and answer as if typed; line separators make a row that nobody wrote; what is invisible or turns the direction of writing shows
// another text than the one that is there.
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text of a server, safe on a terminal: `\n`, `\u001b`. */
export function escapeControl(text: string): string {
  return text.replace(unsafe, character => named[character] ?? escaped(character))
}

/** As `escapeControl`, but lines stay lines. For text that is shown by itself, never inside a row. */
export function escapeButLines(text: string): string {
  return text.replace(unsafe, character => (character === '\n' || character === '\t' ? character : escaped(character)))
}

/** JSON for a terminal: the same value, with what `JSON.stringify` leaves as it is escaped too. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(unsafe, character => (character === '\n' ? character : escaped(character)))
}

/** YAML for a terminal: the same value. What its plain style would show as it is goes as JSON, which is YAML too. */
export function safeYaml(value: unknown): string {
  const plain = JSON.stringify(value)
  return new RegExp(unsafe, 'u').test(plain) ? `${safeJson(value)}\n` : stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** As JSON writes it, in UTF-16 units. */
function escaped(character: string): string {
  return character
    .split('')
    .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
