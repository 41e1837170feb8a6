/** All that a user of IAM can have, removed in the order in which AWS wants it: what somebody else gave to a user of ours ends with it. */
import {
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  DeleteLoginProfileCommand,
  DeleteServiceSpecificCredentialCommand,
  DeleteSigningCertificateCommand,
  DeleteSSHPublicKeyCommand,
  DeleteUserPolicyCommand,
  DeleteVirtualMFADeviceCommand,
  DetachUserPolicyCommand,
  ListAccessKeysCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupsForUserCommand,
  ListMFADevicesCommand,
  ListServiceSpecificCredentialsCommand,
  ListSigningCertificatesCommand,
  ListSSHPublicKeysCommand,
  ListUserPoliciesCommand,
  RemoveUserFromGroupCommand
} from '@aws-sdk/client-iam'
import type { IAMClient } from '@aws-sdk/client-iam'
import type { Account } from '../account/account.ts'
import { awsCode, isMissing } from '../account/aws-error.ts'

type At = { readonly abortSignal: AbortSignal }

interface Page {
  readonly Marker?: string | undefined
  readonly IsTruncated?: boolean | undefined
}

/** One kind of thing: how it is listed, and how one of them goes. */
interface Belongings {
  readonly what: string
  list(iam: IAMClient, user: User, at: At): Promise<readonly [readonly (string | undefined)[] | undefined, Page]>
  remove(iam: IAMClient, user: string, id: string, at: At): Promise<unknown>
}

type User = { readonly UserName: string; readonly Marker?: string }

// More pages than a user can have things of one kind.
const pagesMax = 20

const inOrder: readonly Belongings[] = [
  {
    what: 'login profile',
    list: async () => [['login profile'], {}],
    remove: (iam, UserName, _, at) => iam.send(new DeleteLoginProfileCommand({ UserName }), at)
  },
  {
    what: 'access keys',
    list: async (iam, user, at) => {
      const page = await iam.send(new ListAccessKeysCommand(user), at)
      return [page.AccessKeyMetadata?.map(({ AccessKeyId }) => AccessKeyId), page]
    },
    remove: (iam, UserName, AccessKeyId, at) => iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }), at)
  },
  {
    what: 'signing certificates',
    list: async (iam, user, at) => {
      const page = await iam.send(new ListSigningCertificatesCommand(user), at)
      return [page.Certificates?.map(({ CertificateId }) => CertificateId), page]
    },
    remove: (iam, UserName, CertificateId, at) => iam.send(new DeleteSigningCertificateCommand({ UserName, CertificateId }), at)
  },
  {
    what: 'SSH keys',
    list: async (iam, user, at) => {
      const page = await iam.send(new ListSSHPublicKeysCommand(user), at)
      return [page.SSHPublicKeys?.map(({ SSHPublicKeyId }) => SSHPublicKeyId), page]
    },
    remove: (iam, UserName, SSHPublicKeyId, at) => iam.send(new DeleteSSHPublicKeyCommand({ UserName, SSHPublicKeyId }), at)
  },
  {
    what: 'service-specific credentials',
    list: async (iam, { UserName }, at) => {
      const { ServiceSpecificCredentials } = await iam.send(new ListServiceSpecificCredentialsCommand({ UserName }), at)
      return [ServiceSpecificCredentials?.map(one => one.ServiceSpecificCredentialId), {}]
    },
    remove: (iam, UserName, ServiceSpecificCredentialId, at) =>
      iam.send(new DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId }), at)
  },
  {
    what: 'MFA devices',
    list: async (iam, user, at) => {
      const page = await iam.send(new ListMFADevicesCommand(user), at)
      return [page.MFADevices?.map(({ SerialNumber }) => SerialNumber), page]
    },
    remove: removeMfa
  },
  {
    what: 'inline policies',
    list: async (iam, user, at) => {
      const page = await iam.send(new ListUserPoliciesCommand(user), at)
      return [page.PolicyNames, page]
    },
    remove: (iam, UserName, PolicyName, at) => iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }), at)
  },
  {
    what: 'managed policies',
    list: async (iam, user, at) => {
      const page = await iam.send(new ListAttachedUserPoliciesCommand(user), at)
      return [page.AttachedPolicies?.map(({ PolicyArn }) => PolicyArn), page]
    },
    remove: (iam, UserName, PolicyArn, at) => iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }), at)
  },
  {
    what: 'groups',
    list: async (iam, user, at) => {
      const page = await iam.send(new ListGroupsForUserCommand(user), at)
      return [page.Groups?.map(({ GroupName }) => GroupName), page]
    },
    remove: (iam, UserName, GroupName, at) => iam.send(new RemoveUserFromGroupCommand({ UserName, GroupName }), at)
  }
]

/** A virtual device has an ARN and is a thing of its own; a key of hardware stays with whoever holds it. */
async function removeMfa(iam: IAMClient, UserName: string, SerialNumber: string, at: At): Promise<void> {
  await iam.send(new DeactivateMFADeviceCommand({ UserName, SerialNumber }), at)
  if (/:mfa\//.test(SerialNumber)) await iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }), at)
}

/** What could not be looked for or removed, in words: where the broker has no right to one kind of thing, and the user has none of it, that is no trouble. */
export async function removeEverything(account: Account, UserName: string, signal: AbortSignal): Promise<readonly string[]> {
  const troubles: string[] = []
  for (const belongings of inOrder)
    try {
      await removeAll(account, belongings, UserName, signal)
    } catch (error) {
      if (awsCode(error) === undefined) throw error
      troubles.push(`${belongings.what}: ${(error as Error).message}`)
    }
  return troubles
}

async function removeAll(account: Account, belongings: Belongings, UserName: string, signal: AbortSignal): Promise<void> {
  const call = <T>(work: (iam: IAMClient, at: At) => Promise<T>) => unlessMissing(() => account.iam(work, { lane: 'revoke' }, signal))
  const all: string[] = []
  let Marker: string | undefined
  for (let pages = 0; pages < pagesMax; pages++) {
    const [some, page] = (await call((iam, at) => belongings.list(iam, { UserName, ...(Marker && { Marker }) }, at))) ?? [[], {}]
    all.push(...(some ?? []).filter(one => one !== undefined))
    if (page.IsTruncated !== true || !page.Marker) break
    Marker = page.Marker
  }
  for (const one of all) await call((iam, at) => belongings.remove(iam, UserName, one, at))
}

async function unlessMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
