import type { BackendContext } from 'mayfly/plugin'

/** What an object in the target says about itself: `mayfly:1:<instance>:<lease>:<mac>`, at most 64 characters, which is what the shortest comment of a server
 *  holds. The lease is its random part. The MAC binds mark and user to the server, so that nobody makes us drop a foreign user by copying a mark to it. */
const instanceCharacters = 12
const macBytes = 12
const markPattern = /^mayfly:1:([A-Za-z0-9]{1,12}):([A-Za-z0-9]{1,24}):([A-Za-z0-9_-]{16})$/

type Marker = Pick<BackendContext, 'instance' | 'mac'>

export function newMark(marker: Marker, account: string, name: string, lease: string): string {
  return markOf(marker, account, name, lease.slice(lease.lastIndexOf('/') + 1))
}

export type MarkReading =
  /** This very broker made the user of this name at this very server, for a lease with this random part. */
  | { readonly of: 'us'; readonly leasePart: string }
  /** It names this broker, and is not for this user at this server. */
  | { readonly of: 'another user' }
  | { readonly of: 'another broker' }
  | { readonly of: 'nobody' }

export function readMark(marker: Marker, account: string, name: string, mark: string | undefined): MarkReading {
  const [, instance, leasePart = ''] = markPattern.exec(mark ?? '') ?? []
  if (instance === undefined) return { of: 'nobody' }
  if (mark === markOf(marker, account, name, leasePart)) return { of: 'us', leasePart }
  return { of: instance === shortInstance(marker.instance) ? 'another user' : 'another broker' }
}

function markOf(marker: Marker, account: string, name: string, leasePart: string): string {
  const mac = Buffer.from(marker.mac(JSON.stringify(['database mark', marker.instance, account, name, leasePart])))
  return `mayfly:1:${shortInstance(marker.instance)}:${leasePart}:${mac.subarray(0, macBytes).toString('base64url')}`
}

/** For a reader's eye only: the MAC covers the whole of it. */
const shortInstance = (instance: string): string => instance.replace(/[^A-Za-z0-9]/g, '').slice(0, instanceCharacters)
