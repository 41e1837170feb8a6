import { Denied, NothingThere } from '../../client/client-error.ts'
import { parseDuration } from '../../contracts/index.ts'
import { compileAcl } from '../../policy/acl.ts'
import { capabilities } from '../../policy/capability.ts'
import { decide } from '../../policy/decide.ts'
import type { Decision, Question } from '../../policy/decide.ts'
import { parsePolicy } from '../../policy/parse-policy.ts'
import type { Policy } from '../../policy/rule.ts'
import { hasTemplate } from '../../policy/template.ts'
import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import { fieldsTyped } from '../fields-typed.ts'
import type { Invocation } from '../invocation.ts'
import { jsonAt, textAt } from '../json-at.ts'
import { readNamedFile } from '../settings.ts'
import { routeOfPolicy } from '../policy-route.ts'
import { showTable } from '../show-table.ts'
import { UsageError } from '../usage-error.ts'

type Asked = Question['capability']

export const policyTest: CliCommand = {
  name: 'policy test',
  summary: 'say what policies allow at a path, and which rule decides',
  takes: { '<path>': 'as in a request: database/creds/readonly', '[fields...]': 'what a request would send, as key=value' },
  options: {
    '--capability <name>': 'this one alone; exit code 2 when it is denied',
    '--file <file...>': 'a policy that is not written yet, HCL or JSON; no server is asked',
    '--policy <name...>': 'a policy of the server',
    '--sudo': 'the path is one of those that need sudo as well',
    '--wrap-ttl <time>': 'as if the reply were asked for wrapped'
  },
  details: `Without --file and --policy: what your own token may do. Exactly one rule decides a request; rules of other paths that match too have no say. Paths with
{{identity…}} in them are left out here.`,
  examples: [
    'mayfly policy test database/creds/readonly',
    'mayfly policy test --file=app.hcl --capability=read database/creds/readonly',
    'mayfly policy test --policy=app --policy=default sys/leases/renew increment=1h'
  ],
  run: async invocation => {
    const { typed, terminal, input } = invocation
    const path = typed.arg(0, 'path').replace(/^\/+/, '')
    const policies = await policiesTyped(invocation)
    const acl = compileAcl(policies)
    const parameters = await fieldsTyped(typed.args.slice(1), input)
    const question = { path, parameters, sudo: typed.flag('sudo'), wrapSeconds: wrapSecondsTyped(typed.text('wrapTtl') ?? '') }
    const answers = asked(typed.text('capability')).map(capability => ({ capability, decision: decide(acl, { ...question, capability }) }))
    if (policies.some(policy => policy.rules.some(rule => hasTemplate(rule.path))))
      terminal.warn('rules with {{identity…}} in their path were left out')
    if (terminal.format === 'json') terminal.json({ path, policies: policies.map(({ name }) => name), answers })
    else showTable(invocation, ['Capability', 'Answer', 'Rule', 'Policies', 'Why not'], answers.map(row))
    return typed.text('capability') !== undefined && !answers[0]?.decision.allowed ? exitCode.refused : exitCode.done
  }
}

function asked(name: string | undefined): readonly Asked[] {
  const all = capabilities.filter((one): one is Asked => one !== 'deny' && one !== 'sudo')
  if (name === undefined) return all
  const known = all.find(one => one === name)
  if (!known) throw new UsageError(`capability: expected one of ${all.join(', ')}`)
  return [known]
}

function wrapSecondsTyped(text: string): number {
  try {
    return parseDuration(text) ?? 0
  } catch (cause) {
    throw new UsageError('wrap-ttl: expected seconds, or text such as 90s, 5m, 1h30m', { cause })
  }
}

async function policiesTyped(invocation: Invocation): Promise<readonly Policy[]> {
  const { typed } = invocation
  const files = typed.list('file')
  const names = typed.list('policy')
  const fromFiles = files.map(file => parsePolicy(file, readNamedFile(file)))
  if (files.length > 0 && names.length === 0) return fromFiles
  if (names.length === 0) return ownPolicies(invocation)
  return [...fromFiles, ...(await Promise.all(names.map(name => ofServer(invocation, name))))]
}

async function ownPolicies(invocation: Invocation): Promise<readonly Policy[]> {
  const { data } = await invocation.request('GET', 'auth/token/lookup-self')
  const [own, identity] = [jsonAt(data, 'policies'), jsonAt(data, 'identity_policies')]
  const names = [...(Array.isArray(own) ? own : []), ...(Array.isArray(identity) ? identity : [])].map(String)
  return Promise.all(names.map(name => ofServer(invocation, name).catch((error: unknown) => notRead(name, error))))
}

/** A policy that nobody has written gives nothing. */
function notRead(name: string, error: unknown): Policy {
  if (error instanceof NothingThere) return { name, rules: [] }
  if (!(error instanceof Denied)) throw error
  throw new Denied(error.path, error.status, ['the texts of its policies are closed to it; mayfly token capabilities tells what it may do'])
}

/** `root` has no text: its name alone passes everything. */
async function ofServer(invocation: Invocation, name: string): Promise<Policy> {
  if (name === 'root') return { name, rules: [] }
  const { data } = await invocation.request('GET', routeOfPolicy(name, 'policy'))
  return parsePolicy(name, textAt(data, 'policy'))
}

function row({ capability, decision }: { capability: Asked; decision: Decision }): readonly string[] {
  const why = decision.allowed ? '' : `${decision.reason}${decision.parameter === undefined ? '' : ` (${decision.parameter})`}`
  return [capability, decision.allowed ? 'allowed' : 'denied', decision.rule ?? '', decision.policies.join(', '), why]
}
