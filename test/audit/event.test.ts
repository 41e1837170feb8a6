import { expect, test } from 'vitest'
import { errorText } from '../../src/audit/error-text.ts'
import { circuitEntry, countedEntry, countedReadingEntry, reconciledEntry, revocationEntry, taskEntry } from '../../src/audit/event.ts'
import { BrokerError } from '../../src/contracts/errors.ts'
import { time } from './written-trail.ts'

const lease = {
  leaseId: 'database/creds/ro/abc',
  name: 'v-app-1',
  visible: { username: 'v-app-1' },
  role: 'ro',
  target: 'pg-1',
  displayName: 'token-app',
  entityId: 'e1',
  accessor: 'hmac-sha256:00'
}

test.each(['expired', 'token-revoked', 'prefix', 'force'] as const)(
  'a revocation that was %s names lease, cause, outcome and attempt, and who held what (row 97)',
  cause => {
    const outcome = cause === 'force' ? 'forced' : 'gone'
    expect(JSON.parse(revocationEntry(time, { ...lease, cause, outcome, attempt: 3 }))).toEqual({
      time,
      type: 'event',
      operation: 'revoke',
      lease_id: lease.leaseId,
      revocation: { cause, outcome, attempt: 3, ...(outcome === 'forced' ? { target_not_cleaned: true } : {}) },
      credential: { name: 'v-app-1', role: 'ro', target: 'pg-1', visible: { username: 'v-app-1' } },
      holder: { display_name: 'token-app', entity_id: 'e1', accessor: 'hmac-sha256:00' }
    })
  }
)

test('a revocation that goes on says why, and until when it may still give access', () => {
  const entry = revocationEntry(time, {
    leaseId: 'l',
    cause: 'expired',
    outcome: 'outlives',
    attempt: 1,
    why: 'a session',
    until: time,
    error: 'target_refused: no'
  })
  expect(JSON.parse(entry)).toMatchObject({
    error: 'target_refused: no',
    revocation: { outcome: 'outlives', why: 'a session', until: time }
  })
})

test('tasks, circuits, counted refusals and findings are one line each, in clear', () => {
  expect(JSON.parse(taskEntry(time, { mount: 'm', task: 'rotate', key: 'k', error: null }))).toEqual({
    time,
    type: 'event',
    operation: 'task',
    task: { mount: 'm', name: 'rotate', key: 'k' }
  })
  expect(JSON.parse(circuitEntry(time, { target: 'pg-1', state: 'opened', waiting: 0, error: 'e' }))).toEqual({
    time,
    type: 'event',
    operation: 'circuit',
    error: 'e',
    circuit: { state: 'opened', target: 'pg-1', waiting: 0 }
  })
  expect(JSON.parse(countedEntry(time, { remoteAddress: '10.0.0.1', count: 4_000 }))).toEqual({
    time,
    type: 'event',
    operation: 'refuse',
    refusals: { count: 4_000, remote_address: '10.0.0.1' }
  })
  expect(JSON.parse(countedReadingEntry(time, { remoteAddress: '10.0.0.1', count: 4_000 }))).toEqual({
    time,
    type: 'event',
    operation: 'read',
    readings: { count: 4_000, remote_address: '10.0.0.1' }
  })
  expect(JSON.parse(reconciledEntry(time, { target: 'pg-1', orphans: [{ name: 'v-x\n', enabled: true }] }))).toMatchObject({
    reconcile: { orphans: [{ name: 'v-x\n', enabled: true }] }
  })
})

test('an error tells its code, and of a driver its class and code, never its words', () => {
  const driver = Object.assign(new Error('password authentication failed for canary'), {
    code: '28P01',
    name: 'DatabaseError',
    detail: 'canary'
  })
  expect(errorText(new BrokerError('target_refused', 'cannot reach pg-1', { cause: driver }))).toBe(
    'target_refused: cannot reach pg-1 (DatabaseError 28P01)'
  )
  expect(errorText(driver)).toBe('DatabaseError 28P01')
  expect(errorText(new BrokerError('target_unreachable', 'cannot reach pg-1', { cause: new Error('canary') }))).toBe(
    'target_unreachable: cannot reach pg-1'
  )
  expect(errorText(Object.assign(new Error('canary'), { code: 'canary secret', name: 'canary secret' }))).toBe('Error')
  expect(errorText('canary')).toBe('unknown error')
  expect(errorText(undefined)).toBe('unknown error')
})

const text = (message: string) => errorText(new BrokerError('target_refused', message))

test('what a careless plugin puts into its message is masked', () => {
  expect(text('cannot open postgres://admin:canary@db/x')).toBe('target_refused: cannot open postgres://[masked]@db/x')
  expect(text(`alter role v with password 'canary'`)).not.toContain('canary')
  expect(text('login with password=canary, secret: "canary", token=canary')).not.toContain('canary')
  expect(text('the password is wrong and the token has ended')).toBe('target_refused: the password is wrong and the token has ended')
  expect(text('x'.repeat(10_000)).length).toBeLessThan(600)
})
