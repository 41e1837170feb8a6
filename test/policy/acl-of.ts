import type { Acl } from '../../src/policy/acl.ts'
import { compileAcl } from '../../src/policy/acl.ts'
import { parsePolicy } from '../../src/policy/parse-policy.ts'

/** Each text is a policy of its own: `one`, `two`, … */
export function aclOf(...texts: readonly string[]): Acl {
  return compileAcl(texts.map((text, at) => parsePolicy(['one', 'two', 'three'][at] ?? `policy-${at}`, text)))
}

/** `rules({ 'secret/*': ['read'] })`: a policy of bare capabilities. */
export function rules(paths: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify({ path: Object.fromEntries(Object.entries(paths).map(([path, capabilities]) => [path, { capabilities }])) })
}
