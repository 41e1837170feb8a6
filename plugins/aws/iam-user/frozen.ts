import type { Json } from 'mayfly/plugin'
import type { Guard } from './dead-man.ts'
import type { Tag } from './mark.ts'

/** What the role said at that moment, frozen with the lease. */
export type Recipe = {
  readonly path: string
  readonly boundary: string
  readonly policyArns: readonly string[]
  /** Of the inline policy. */
  readonly policyName: string
  readonly policyDocument: string
  readonly groups: readonly string[]
  readonly tags: readonly Tag[]
  readonly guard: Guard
}

/** What only issuing needs. */
export type Order = {
  readonly role: string
  readonly requester: string
  readonly waitUntilUsable: boolean
  /** Calls that have their place in the account's budget. */
  readonly paid: number
}

/** CreateUser, the policy that ends it, its rights, CreateAccessKey. */
export const callsOfIssue = ({ policyArns, policyDocument, groups }: Recipe): number =>
  3 + policyArns.length + groups.length + (policyDocument === '' ? 0 : 1)

/** Which user to end. `userId`: only AWS knows it; absent while the broker never learnt it, or when it was found without a lease. `accessKey`: its id. */
export type Handle = { readonly v: 1; readonly name: string; readonly userId?: string; readonly accessKey?: string }

export function isHandle(handle: Json): handle is Handle {
  const fields = handle as Partial<Handle> | null
  return typeof fields === 'object' && fields?.v === 1 && typeof fields.name === 'string' && fields.name !== ''
}

/** What a user is ended by whose role nobody knows any more: all that it has is looked for. */
export const plainRecipe: Recipe = {
  path: '',
  boundary: '',
  policyArns: [],
  policyName: '',
  policyDocument: '',
  groups: [],
  tags: [],
  guard: 'full'
}
