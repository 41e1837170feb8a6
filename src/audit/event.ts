/** Entries of what the broker does by itself, without a request: `type` is `event`, `operation` says which. Clear fields only, all of the broker's own making. */
import { clearJson, numberField, object, jsonField, mapField, textField } from './json-text.ts'

/** `time`: RFC 3339. */
export function eventEntry(time: string, operation: string, fields: string): string {
  return `{"time":"${time}","type":"event","operation":"${operation}"${fields}}`
}

export interface Revocation {
  readonly leaseId: string
  /** `expired`, `token-revoked`, `manual`, … */
  readonly cause: string
  /** `forced`: given up by hand, the target was not cleaned. */
  readonly outcome: 'gone' | 'ended' | 'outlives' | 'failed' | 'forced'
  /** 1 = the first. */
  readonly attempt: number
  readonly name?: string | undefined
  readonly visible?: Readonly<Record<string, string>> | undefined
  readonly role?: string | undefined
  readonly target?: string | undefined
  /** What is waited for. */
  readonly why?: string | undefined
  /** Until when it may still give access; RFC 3339. */
  readonly until?: string | undefined
  /** Of `errorText`: never a driver's own words. */
  readonly error?: string | undefined
  /** Who held it. */
  readonly displayName?: string | undefined
  readonly entityId?: string | undefined
  /** Hashed by the caller. */
  readonly accessor?: string | undefined
  /** Who forced it. */
  readonly by?: string | undefined
}

export function revocationEntry(time: string, revocation: Revocation): string {
  const { leaseId, cause, outcome, attempt, name, visible, role, target, why, until, displayName, entityId, accessor, by } = revocation
  const what =
    textField('cause', cause) +
    textField('outcome', outcome) +
    numberField('attempt', attempt) +
    textField('why', why) +
    textField('until', until)
  const forced = outcome === 'forced' ? ',"target_not_cleaned":true' : ''
  const credential = textField('name', name) + textField('role', role) + textField('target', target) + mapField('visible', visible)
  const holder = textField('display_name', displayName) + textField('entity_id', entityId) + textField('accessor', accessor)
  return eventEntry(
    time,
    'revoke',
    textField('error', revocation.error) +
      textField('lease_id', leaseId) +
      jsonField('revocation', object(what + forced + textField('by', by))) +
      jsonField('credential', object(credential)) +
      jsonField('holder', object(holder))
  )
}

export interface TaskRun {
  readonly mount: string
  readonly task: string
  readonly key: string
  readonly error?: string | null | undefined
  /** In two or three words. */
  readonly did?: string | undefined
}

/** One run of durable work that is no lease: a rotation, a publication. */
export function taskEntry(time: string, run: TaskRun): string {
  return eventEntry(
    time,
    'task',
    textField('error', run.error) +
      jsonField(
        'task',
        object(textField('mount', run.mount) + textField('name', run.task) + textField('key', run.key) + textField('did', run.did))
      )
  )
}

/** A mount whose leases are gone has gone itself. */
export function unmountEntry(time: string, mount: { readonly path: string; readonly type: string; readonly accessor: string }): string {
  return eventEntry(
    time,
    'unmount',
    jsonField('mount', object(textField('path', mount.path) + textField('type', mount.type) + textField('accessor', mount.accessor)))
  )
}

export interface KeyChange {
  readonly change: 'rotated' | 'dropped' | 'seal rotated'
  /** The new key's; of `dropped` the newest that is gone. */
  readonly term?: number | undefined
  /** `manual`, `operations`, `interval`, `resumed`. */
  readonly cause?: string | undefined
}

/** The broker's own keys: a new one seals, older ones are gone, the seal has a new one. */
export function keyEntry(time: string, { change, term, cause }: KeyChange): string {
  return eventEntry(
    time,
    'key',
    jsonField(
      'key',
      object(textField('change', change) + (term === undefined ? '' : numberField('term', term)) + textField('cause', cause))
    )
  )
}

export interface CircuitChange {
  readonly target: string
  readonly state: 'opened' | 'closed'
  /** Leases that live there. */
  readonly waiting: number
  readonly error?: string | undefined
}

/** An unreachable target is one entry when its circuit opens and one when it closes, not one for each lease that waits. */
export function circuitEntry(time: string, change: CircuitChange): string {
  const circuit = `,"circuit":{"state":"${change.state}"${textField('target', change.target)},"waiting":${change.waiting}}`
  return eventEntry(time, 'circuit', textField('error', change.error) + circuit)
}

export interface Counted {
  readonly remoteAddress: string
  readonly count: number
}

/** Refusals without an identity, above a rate per address: one entry for all of a second. */
export function countedEntry(time: string, { count, remoteAddress }: Counted): string {
  return eventEntry(time, 'refuse', `,"refusals":{"count":${count}${textField('remote_address', remoteAddress)}}`)
}

/** Readings of what anybody may know, without a token: one entry for all of a second. */
export function countedReadingEntry(time: string, { count, remoteAddress }: Counted): string {
  return eventEntry(time, 'read', `,"readings":{"count":${count}${textField('remote_address', remoteAddress)}}`)
}

/** What a comparison of a target with the leases found. */
export function reconciledEntry(time: string, found: Readonly<Record<string, unknown>>): string {
  return eventEntry(time, 'reconcile', `,"reconcile":${clearJson(found)}`)
}
