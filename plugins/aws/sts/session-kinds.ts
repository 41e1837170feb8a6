/** The three kinds of session that STS gives, and what of each is different. */
import { AssumeRoleCommand, GetFederationTokenCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts'
import type { Credentials, STSClient } from '@aws-sdk/client-sts'

export type SessionKind = 'assumed_role' | 'federation_token' | 'session_token'

/** What a session is asked with. Nothing here is secret but the code, which is used up with it. */
export interface SessionRequest {
  readonly name: string
  readonly seconds: number
  readonly roleArn: string
  readonly externalId: string
  readonly policyDocument: string
  readonly policyArns: readonly string[]
  readonly tags: readonly { Key: string; Value: string }[]
  readonly sourceIdentity: string
  readonly mfaSerial: string
  readonly mfaCode: string
}

interface Made {
  readonly credentials: Credentials | undefined
  readonly arn?: string | undefined
}

interface KindOfSession {
  /** How the wire begins to tell what AWS refused. */
  readonly failing: string
  readonly secondsMax: number
  ask(sts: STSClient, request: SessionRequest, at: { readonly abortSignal: AbortSignal }): Promise<Made>
}

/** Of AWS: no session is shorter. */
export const secondsMin = 900

export const sessionKinds: Readonly<Record<SessionKind, KindOfSession>> = {
  assumed_role: {
    failing: 'Error assuming role',
    secondsMax: 12 * 3_600,
    async ask(sts, request, at) {
      const { name, seconds, roleArn, externalId, tags, sourceIdentity } = request
      const input = {
        RoleArn: roleArn,
        RoleSessionName: name,
        DurationSeconds: seconds,
        ...policies(request),
        ...(externalId && { ExternalId: externalId }),
        ...(tags.length > 0 && { Tags: [...tags] }),
        ...(sourceIdentity && { SourceIdentity: sourceIdentity })
      }
      const { Credentials, AssumedRoleUser } = await sts.send(new AssumeRoleCommand(input), at)
      return { credentials: Credentials, arn: AssumedRoleUser?.Arn }
    }
  },
  federation_token: {
    failing: 'Error generating STS keys',
    secondsMax: 36 * 3_600,
    async ask(sts, request, at) {
      const { name, seconds } = request
      const command = new GetFederationTokenCommand({ Name: name, DurationSeconds: seconds, ...policies(request) })
      // The wire has no ARN here; without it nobody would know in which partition the session is.
      const { Credentials, FederatedUser } = await sts.send(command, at)
      return { credentials: Credentials, arn: FederatedUser?.Arn }
    }
  },
  session_token: {
    failing: 'Error generating STS keys',
    secondsMax: 36 * 3_600,
    async ask(sts, { seconds, mfaSerial, mfaCode }, at) {
      const mfa = mfaCode ? { SerialNumber: mfaSerial, TokenCode: mfaCode } : {}
      return { credentials: (await sts.send(new GetSessionTokenCommand({ DurationSeconds: seconds, ...mfa }), at)).Credentials }
    }
  }
}

function policies({ policyDocument, policyArns }: SessionRequest) {
  return {
    ...(policyDocument && { Policy: policyDocument }),
    ...(policyArns.length > 0 && { PolicyArns: policyArns.map(arn => ({ arn })) })
  }
}
