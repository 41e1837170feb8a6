import { BrokerError } from 'mayfly/plugin'

const depthMax = 32
// Blanks included. AWS takes no policy of more than some ten thousand characters; megabytes would hold up everybody while they are read.
const charsMax = 65_536

/** A policy as it is kept and sent: read strictly and written again, so that what was checked is what AWS gets. Throws in the wire's words, without the text. */
export function compactPolicy(text: string): string {
  if (text.length > charsMax) throw refusal(`longer than ${charsMax} characters`)
  let policy: unknown
  try {
    policy = JSON.parse(text)
  } catch (cause) {
    throw refusal('it is no JSON', cause)
  }
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) throw refusal('expected an object with a Statement')
  if (!('Statement' in policy)) throw refusal('it has no Statement')
  const twice = keyTwice(text)
  // Which of the two counts is for each reader to say: what was reviewed may not be what AWS applies.
  if (twice !== undefined) throw refusal(`the key "${twice}" is there twice in one object`)
  return JSON.stringify(policy)
}

/** As AWS counts the characters of inline policies. */
export const policyLength = (document: string): number => document.replaceAll(/\s/g, '').length

/** The first key that an object of this JSON has twice. The text has been parsed already, so its grammar is not checked again. */
function keyTwice(text: string): string | undefined {
  const objects: (Set<string> | undefined)[] = []
  for (const [token, string, after] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') {
      objects.push(token === '{' ? new Set() : undefined)
      if (objects.length > depthMax) throw refusal(`nested deeper than ${depthMax}`)
    } else if (token === '}' || token === ']') objects.pop()
    else if (after !== undefined) {
      const key = JSON.parse(string!) as string
      if (objects.at(-1)?.has(key)) return key
      objects.at(-1)?.add(key)
    }
  }
  return undefined
}

const refusal = (message: string, cause?: unknown) =>
  new BrokerError('invalid_request', `cannot parse policy document: "${message}"`, { cause })
