/** What a user says about itself, in its path and its tags. The MAC binds name and lease to the account, so that nobody makes us delete a foreign user by copying tags to it. */
import type { BackendContext } from 'mayfly/plugin'
import { leasePart } from '../sts/session-name.ts'

const instanceCharacters = 12
const macBytes = 18
const tagValueCharsMax = 256

export const tagPrefix = 'mayfly:'
/** How many tags of a user are ours. */
export const ownTagsMax = 5

type Marker = Pick<BackendContext, 'instance' | 'mac'>
export type Tag = { readonly Key: string; readonly Value: string }

const shortInstance = (instance: string): string => instance.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, instanceCharacters)

/** Below the path of the role: `/team/mayfly-1b4e28ba2fa1/`. It limits what the broker itself has to be allowed to do. */
export const pathOf = ({ instance }: Marker, rolePath: string): string =>
  `${rolePath === '' ? '/' : rolePath}mayfly-${shortInstance(instance)}/`

export function ownsPath({ instance }: Marker, path: string): boolean {
  return path.endsWith(`/mayfly-${shortInstance(instance)}/`)
}

export const isBrokersPath = (path: string): boolean => /\/mayfly-[A-Za-z0-9]{1,12}\/$/.test(path)

export interface Marked {
  readonly account: string
  readonly name: string
  /** A lease id, or its random part. */
  readonly lease: string
}

export function markTags(marker: Marker, marked: Marked, told: { readonly role: string; readonly requester: string }): readonly Tag[] {
  return [
    { Key: `${tagPrefix}instance`, Value: shortInstance(marker.instance) },
    { Key: `${tagPrefix}lease`, Value: leasePart(marked.lease) },
    { Key: `${tagPrefix}mac`, Value: macOf(marker, marked) },
    { Key: `${tagPrefix}role`, Value: tagValue(told.role) },
    { Key: `${tagPrefix}requester`, Value: tagValue(told.requester) }
  ]
}

/** The random part of the lease that this very broker made the user of this name for; nothing when its tags are not ours, or not for this user of this account. */
export function markedLease(
  marker: Marker,
  { account, name }: Pick<Marked, 'account' | 'name'>,
  tags: readonly { readonly Key: string | undefined; readonly Value: string | undefined }[]
): string | undefined {
  const value = (key: string): string | undefined => tags.find(tag => tag.Key === tagPrefix + key)?.Value
  const lease = value('lease')
  if (lease === undefined || lease === '') return undefined
  return value('mac') === macOf(marker, { account, name, lease }) ? lease : undefined
}

function macOf(marker: Marker, { account, name, lease }: Marked): string {
  const mac = marker.mac(JSON.stringify(['aws user', marker.instance, account, name.toLowerCase(), leasePart(lease)]))
  return Buffer.from(mac).subarray(0, macBytes).toString('hex')
}

/** Of the characters that IAM takes in the value of a tag. */
const tagValue = (text: string): string =>
  Array.from(text.replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_'))
    .slice(0, tagValueCharsMax)
    .join('')
