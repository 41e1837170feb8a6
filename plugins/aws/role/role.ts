import { field } from 'mayfly/plugin'
import type { MountReader, z } from 'mayfly/plugin'
import type { CutOff } from '../sts/session-recipe.ts'

export const roleFields = {
  credential_type: field.text(),
  policy_arns: field.commaList(),
  policy_document: field.text(),
  role_arns: field.commaList(),
  iam_groups: field.commaList(),
  iam_tags: field.map(),
  session_tags: field.map(),
  external_id: field.text(),
  mfa_serial_number: field.text(),
  default_sts_ttl: field.duration(),
  max_sts_ttl: field.duration(),
  user_path: field.text(),
  permissions_boundary_arn: field.text(),
  // From before there were credential types.
  policy: field.text(),
  arn: field.text(),
  // Mayfly's own.
  guard: field.text(),
  source_identity: field.text(),
  cut_on_revoke: field.text(),
  wait_until_usable: field.boolean(),
  lease_outlives_token: field.boolean()
}
export type RoleFields = z.output<z.ZodObject<typeof roleFields>>

/** `roles/<name>`. `null`: never written. */
export type Role = {
  /** On the wire `credential_type`. */
  readonly type: string
  readonly policyArns: readonly string[] | null
  /** As compact JSON; empty when there is none. */
  readonly policyDocument: string
  readonly roleArns: readonly string[] | null
  readonly iamGroups: readonly string[] | null
  readonly iamTags: Readonly<Record<string, string>> | null
  readonly sessionTags: Readonly<Record<string, string>> | null
  readonly externalId: string
  readonly mfaSerialNumber: string
  /** Seconds; 0 = unset. */
  readonly defaultStsTtl: number
  readonly maxStsTtl: number
  readonly userPath: string
  readonly permissionsBoundaryArn: string
  readonly guard: 'full' | 'iam' | null
  readonly sourceIdentity: string | null
  readonly cutOnRevoke: CutOff | null
  readonly waitUntilUsable: boolean | null
  readonly leaseOutlivesToken: boolean | null
}

// As the names of the wire here: those of IAM, `@` included, and nothing that a path could stumble over.
const namePattern = /^\w(?:[\w.@-]{0,126}\w)?$/

export const isRoleName = (text: string): boolean => namePattern.test(text)
export const roleKey = (name: string): string => `roles/${name}`

export async function readRole(storage: MountReader, name: string): Promise<{ readonly role: Role; readonly version: number } | undefined> {
  const stored = isRoleName(name) ? await storage.get(roleKey(name)) : undefined
  return stored && { role: stored.value as Role, version: stored.version }
}
