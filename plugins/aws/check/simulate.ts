import { SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam'
import type { ContextEntry } from '@aws-sdk/client-iam'
import { BrokerError } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import { awsCode } from '../account/aws-error.ts'
import type { Statement } from './needed-rights.ts'

/** Asks AWS what it would say to the calls that a role takes, without making them. The rights that are missing; a sentence where AWS simulates nothing for us. */
export async function simulate(
  account: Account,
  principal: string,
  statements: readonly Statement[],
  signal: AbortSignal
): Promise<readonly string[] | string> {
  if (!/:(user|role)\//.test(principal)) return `rights of ${principal} cannot be simulated`
  const missing: string[] = []
  for (const statement of statements)
    try {
      missing.push(...(await simulateOne(account, principal, statement, signal)))
    } catch (error) {
      if (!(error instanceof BrokerError) || awsCode(error) === undefined) throw error
      return `the rights of the broker were not simulated: ${error.message}`
    }
  return missing
}

async function simulateOne(account: Account, principal: string, statement: Statement, signal: AbortSignal): Promise<readonly string[]> {
  const { actions, resources, condition } = statement
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: principal,
    ActionNames: [...actions],
    // A resource of a policy may be a pattern; what is asked about is one of them.
    ResourceArns: resources.map(arn => (arn === '*' ? arn : arn.replaceAll('*', 'mayfly-check'))),
    ContextEntries: contextOf(condition)
  })
  const { EvaluationResults = [] } = await account.iam((iam, at) => iam.send(command, at), { lane: 'issue' }, signal)
  return EvaluationResults.filter(({ EvalDecision }) => EvalDecision !== 'allowed').map(
    ({ EvalActionName, EvalResourceName }) => `${EvalActionName} on ${EvalResourceName}`
  )
}

function contextOf(condition: Statement['condition']): ContextEntry[] {
  const entries = Object.values(condition ?? {}).flatMap(tests =>
    Object.entries(tests as Readonly<Record<string, string | readonly string[]>>)
  )
  return entries.map(([ContextKeyName, value]) => ({
    ContextKeyName,
    ContextKeyValues: [Array.isArray(value) ? String(value[0]) : String(value)],
    ContextKeyType: 'string'
  }))
}
