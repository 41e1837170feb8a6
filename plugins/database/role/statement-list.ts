import { BrokerError } from 'mayfly/plugin'

const placeholder = /\{\{\s*(?:name|username|password|expiration)\s*\}\}/

/** The forms in which clients send statements: an array; one string, which is one statement, `;` and commas included; a JSON array in a string; base64 of
 *  either. Base64 is taken as such only when it decodes to text with a known placeholder. */
export function statementList(field: string, sent: readonly string[]): readonly string[] {
  const [only] = sent
  const statements = sent.length === 1 && only !== undefined ? unfold(only) : sent
  if (statements.some(statement => statement.includes('\0'))) throw new BrokerError('invalid_request', `${field}: a statement contains NUL`)
  return statements.filter(statement => statement.trim() !== '')
}

function unfold(text: string): readonly string[] {
  return jsonArray(text) ?? fromBase64(text) ?? [text]
}

function jsonArray(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) && parsed.every(item => typeof item === 'string') ? parsed : undefined
  } catch {
    return undefined
  }
}

function fromBase64(text: string): readonly string[] | undefined {
  const packed = text.replace(/\s/g, '')
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(packed)) return undefined
  const decoded = Buffer.from(packed, 'base64').toString('utf8')
  if (!placeholder.test(decoded)) return undefined
  return jsonArray(decoded) ?? [decoded]
}
