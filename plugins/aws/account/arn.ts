import type { PartitionName } from './place.ts'

/** `arn:<partition>:iam::<account>:<kind>/<path and name>`, exactly: no wildcard, nothing of another service. */
const arnPattern = /^arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}|aws):(policy|role|user|mfa)\/([\w+=,.@\-/]{1,576})$/

export interface IamArn {
  readonly partition: PartitionName
  /** Twelve digits; `aws` for what AWS keeps itself. */
  readonly account: string
  readonly kind: 'policy' | 'role' | 'user' | 'mfa'
  readonly name: string
}

export function parseIamArn(text: string): IamArn | undefined {
  const [, partition, account, kind, name] = arnPattern.exec(text) ?? []
  if (name === undefined || /\/\/|^\/|\/$/.test(name)) return undefined
  return { partition: partition as PartitionName, account: account!, kind: kind as IamArn['kind'], name }
}

export const isIamArn = (text: string, kind: IamArn['kind']): boolean => parseIamArn(text)?.kind === kind
