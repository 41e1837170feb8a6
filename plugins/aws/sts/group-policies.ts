/** What the groups of a role allow, as policies of a session: STS knows no groups. Read at each session, so that a group that was cut back counts at once. */
import { GetGroupPolicyCommand, ListAttachedGroupPoliciesCommand, ListGroupPoliciesCommand } from '@aws-sdk/client-iam'
import { BrokerError } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'

interface Policies {
  readonly policyDocument: string
  readonly policyArns: readonly string[]
}

// Of AWS, for a session; it counts characters of the text, and ARNs.
const documentCharsMax = 2_048
const arnsMax = 10

export async function withGroups(account: Account, groups: readonly string[], own: Policies, signal: AbortSignal): Promise<Policies> {
  const documents = own.policyDocument === '' ? [] : [own.policyDocument]
  const arns = new Set(own.policyArns)
  for (const group of groups) {
    for (const arn of await attached(account, group, signal)) arns.add(arn)
    for (const name of await inline(account, group, signal)) documents.push(await document(account, group, name, signal))
  }
  const policyDocument = joined(documents)
  // Of a group whose last policy was taken away nothing is to be had, and a session without a policy has all that its role has.
  if (policyDocument === '' && arns.size === 0)
    throw refusal('the groups have no policies, and without one a session would have all rights')
  if (policyDocument.length > documentCharsMax)
    throw refusal(`policies of ${policyDocument.length} characters, and a session takes ${documentCharsMax}`)
  if (arns.size > arnsMax) throw refusal(`${arns.size} managed policies, and a session takes ${arnsMax}`)
  return { policyDocument, policyArns: [...arns] }
}

function joined(documents: readonly string[]): string {
  if (documents.length <= 1) return documents[0] ?? ''
  const statements = documents.flatMap(text => {
    const { Statement } = JSON.parse(text) as { Statement?: unknown }
    return Array.isArray(Statement) ? (Statement as readonly unknown[]) : [Statement]
  })
  // Two statements of one name would be refused; the names matter to nobody here.
  const unnamed = statements.map(statement => {
    const { Sid: _, ...rest } = (statement ?? {}) as Readonly<Record<string, unknown>>
    return rest
  })
  return JSON.stringify({ Version: '2012-10-17', Statement: unnamed })
}

async function attached(account: Account, GroupName: string, signal: AbortSignal): Promise<readonly string[]> {
  const reply = await account.iam((iam, at) => iam.send(new ListAttachedGroupPoliciesCommand({ GroupName }), at), { lane: 'issue' }, signal)
  refuseMore(GroupName, reply.IsTruncated)
  return (reply.AttachedPolicies ?? []).flatMap(({ PolicyArn }) => (PolicyArn === undefined ? [] : [PolicyArn]))
}

async function inline(account: Account, GroupName: string, signal: AbortSignal): Promise<readonly string[]> {
  const reply = await account.iam((iam, at) => iam.send(new ListGroupPoliciesCommand({ GroupName }), at), { lane: 'issue' }, signal)
  refuseMore(GroupName, reply.IsTruncated)
  return reply.PolicyNames ?? []
}

async function document(account: Account, GroupName: string, PolicyName: string, signal: AbortSignal): Promise<string> {
  const command = new GetGroupPolicyCommand({ GroupName, PolicyName })
  const { PolicyDocument = '' } = await account.iam((iam, at) => iam.send(command, at), { lane: 'issue' }, signal)
  return JSON.stringify(JSON.parse(decodeURIComponent(PolicyDocument)))
}

function refuseMore(group: string, truncated: boolean | undefined): void {
  // Left out, an explicit deny among them would be lost.
  if (truncated) throw refusal(`more policies in group ${group} than one page`)
}

const refusal = (what: string) => new BrokerError('invalid_request', `iam_groups: ${what}`)
