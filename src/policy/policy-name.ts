import { BrokerError } from '../contracts/errors.ts'

const charsMax = 128

// Letters, digits, `_`, `-`, `.`; begins and ends with a letter, digit or `_`, and so does each part between slashes: a name is a path of its own (`team/shop`), without `.`, `..` or
// an empty part, so one spelling leads to it. The alphabet is ASCII, so lower case has one meaning.
const part = '[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?'
const alphabet = new RegExp(`^${part}(?:/${part})*$`)

/** `root` passes everything; the reply of a wrapping token is all that `response-wrapping` gives. Their texts are fixed. */
export const fixedPolicies: ReadonlySet<string> = new Set(['root', 'response-wrapping'])

/** The canonical form of a policy's name, everywhere: storage, tokens, roles, audit. What is outside the alphabet is refused, not repaired, so ` root`,
 *  `root` with a no-break space and full-width letters are no names at all; `Root` is refused as well, for nobody means an honest thing by it
 *  (CVE-2024-9180, CVE-2025-5999, CVE-2025-64761). */
export function normalisePolicyName(name: string): string {
  if (name.length > charsMax || !alphabet.test(name))
    throw new BrokerError('invalid_request', 'a policy name has characters outside a-z, 0-9, "_", "-", ".", "/"')
  const canonical = name.toLowerCase()
  if (fixedPolicies.has(canonical) && canonical !== name)
    throw new BrokerError('invalid_request', `the policy ${canonical} is spelled in lower case`)
  return canonical
}

/** The name, when somebody other than root may give it to a token, role, entity or group. */
export function assignablePolicyName(name: string): string {
  const canonical = normalisePolicyName(name)
  if (fixedPolicies.has(canonical)) throw new BrokerError('invalid_request', `the policy ${canonical} cannot be assigned`)
  return canonical
}
