/** The policies that end a user. AWS looks at them with each request, by its own clock and whether or not a broker runs. Pure. */
import { policyLength } from '../role/policy-document.ts'

export const expiryPolicyName = 'mayfly-expiry'
/** Of a name of its own: a late creation or renewal cannot write over it. */
export const denyPolicyName = 'mayfly-deny'

/** What a user may not do while it lives. `full`: neither change what it is, nor swap its key for a session that lives longer. `iam`: only the former. */
export type Guard = 'full' | 'iam'

// What AWS counts against all inline policies of a user.
const inlineCharsMax = 2_048

// For the clocks that a request passes; the lease ends sooner.
const marginSeconds = 30

const guards: Readonly<Record<Guard, readonly string[]>> = {
  full: ['iam:*', 'sts:AssumeRole', 'sts:GetFederationToken', 'sts:GetSessionToken'],
  iam: ['iam:*']
}

export function expiryPolicy(until: Temporal.Instant, guard: Guard): string {
  const deadline = deadlineOf(until).toString({ smallestUnit: 'second' })
  return policy([
    { Sid: 'Expiry', Effect: 'Deny', Action: '*', Resource: '*', Condition: { DateGreaterThan: { 'aws:CurrentTime': deadline } } },
    { Sid: 'Guard', Effect: 'Deny', Action: guards[guard], Resource: '*' }
  ])
}

/** When AWS refuses the user at the latest. */
export const deadlineOf = (until: Temporal.Instant): Temporal.Instant => until.add({ seconds: marginSeconds })

export const denyPolicy = policy([{ Sid: 'Revoked', Effect: 'Deny', Action: '*', Resource: '*' }])

/** The end of the lease as an expiry policy has it; nothing when it is none. */
export function expiryIn(document: string): Temporal.Instant | undefined {
  try {
    const { Statement } = JSON.parse(document) as {
      Statement: readonly { Sid?: string; Condition?: { DateGreaterThan?: Record<string, string> } }[]
    }
    const deadline = Statement.find(({ Sid }) => Sid === 'Expiry')?.Condition?.DateGreaterThan?.['aws:CurrentTime']
    return deadline === undefined ? undefined : Temporal.Instant.from(deadline).subtract({ seconds: marginSeconds })
  } catch {
    return undefined
  }
}

/** How long the policy of a role may be, so that those that end the user always fit beside it. */
export function roleCharsMax(guard: Guard): number {
  const longest = expiryPolicy(Temporal.Instant.from('2026-12-31T23:59:59Z'), guard)
  return inlineCharsMax - policyLength(longest) - policyLength(denyPolicy)
}

function policy(statements: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}
