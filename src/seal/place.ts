/** Where a sealed value lives. A value opens only there: swapped between rows, columns or tables it is an integrity error. */
export interface Place {
  readonly table: string
  readonly row: string
  readonly column: string
}

/** What the tag authenticates besides the text: header (format and key id) and place. Each part carries its length, so no two places collide, and is
 *  encoded as UTF-16, because UTF-8 folds all lone surrogates into one character. */
export function associatedData(header: Uint8Array, place: Place): Uint8Array {
  return Buffer.concat([header, ...[place.table, place.row, place.column].flatMap(lengthPrefixed)])
}

function lengthPrefixed(part: string): [Uint8Array, Uint8Array] {
  const bytes = Buffer.from(part, 'utf16le')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}
