// Of names that a caller made up; nobody needs all of them to see the mistake.
const [namesMax, charsMax] = [20, 200]

/** Fields that nobody knows, on a reply without a body: clients of the wire expect none there, and ours would not hear of a misspelt word. Names and values in turn. */
export function ignoredHeader(names: readonly string[] = []): readonly string[] {
  const encoded = names.slice(0, namesMax).map(name => encodeURIComponent(name.slice(0, charsMax).toWellFormed()))
  return encoded.length === 0 ? [] : ['X-Mayfly-Ignored', encoded.join(' ')]
}
