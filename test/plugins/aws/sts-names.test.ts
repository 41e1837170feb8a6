/** What STS and CloudTrail get to read of who asked, and the policy that cuts sessions. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refuseSourceIdentity, refuseTags, renderSourceIdentity, renderTags, ticketFor } from '../../../plugins/aws/sts/attribution.ts'
import type { Attribution } from '../../../plugins/aws/sts/attribution.ts'
import { cutPolicy } from '../../../plugins/aws/sts/cut-policy.ts'
import { nameWarnings, sessionName } from '../../../plugins/aws/sts/session-name.ts'
import { untilUsable } from '../../../plugins/aws/usable/until-usable.ts'
import { TestClock } from '../../sim/test-clock.ts'

const lease = 'aws/creds/deploy/0aZ9bY8cX7dW6eV5fU4gT3hS'

describe('the name of a session', () => {
  test('says who asked and ends as its lease id does', () => {
    expect(sessionName('role', 'ldap-anna', lease)).toBe('ldap-anna-0aZ9bY8cX7dW6eV5fU4gT3hS')
    expect(sessionName('federation', 'ldap-anna', lease)).toBe(`ldap-anna-${lease.slice(-16)}`)
  })

  test('is one that STS takes, whatever somebody calls himself', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary-ascii', maxLength: 80 }), fc.string({ unit: 'grapheme', maxLength: 80 })),
        fc.constantFrom('role' as const, 'federation' as const),
        (wanted, kind) => {
          const name = sessionName(kind, wanted, lease)
          expect(name).toMatch(/^[\w+=,.@-]+$/)
          expect(name.length).toBeGreaterThanOrEqual(2)
          expect(name.length).toBeLessThanOrEqual(kind === 'role' ? 64 : 32)
          expect(lease.endsWith(name.slice(name.lastIndexOf('-') + 1))).toBe(true)
        }
      )
    )
  })

  test('two leases that ask for one name get two', () => {
    const other = `${lease.slice(0, -1)}T`
    expect(sessionName('role', 'deploy', lease)).not.toBe(sessionName('role', 'deploy', other))
    expect(sessionName('federation', 'x'.repeat(99), lease)).not.toBe(sessionName('federation', 'x'.repeat(99), other))
  })

  test('what is cut of a name is told', () => {
    expect(nameWarnings('role', 'x'.repeat(40))[0]).toMatch(/^role_session_name: cut to 39 characters/)
    expect(nameWarnings('federation', 'x'.repeat(16))[0]).toMatch(/^role_session_name: cut to 15 characters/)
    expect([...nameWarnings('role', 'x'.repeat(39)), ...nameWarnings('role', undefined)]).toEqual([])
  })
})

const who: Attribution = { display_name: 'ldap-anna', entity: 'e-1', accessor: 'acc', role: 'deploy', lease: 'part', ticket: 'OPS-12' }

describe('tags and source identity', () => {
  test('are what the operator wrote, with what is true of the request in it', () => {
    expect(renderTags({ who: '{{display_name}}', why: 'ticket {{ ticket }}', team: 'payments' }, who)).toEqual([
      { Key: 'who', Value: 'ldap-anna' },
      { Key: 'why', Value: 'ticket OPS-12' },
      { Key: 'team', Value: 'payments' }
    ])
    expect(renderSourceIdentity('{{display_name}}', who)).toBe('ldap-anna')
    expect(renderSourceIdentity('{{entity}}', { ...who, entity: '' })).toBeUndefined()
  })

  test('whatever a caller is called, AWS takes the value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary-ascii', maxLength: 280 }), fc.string({ unit: 'grapheme', maxLength: 280 })), name => {
        const [tag] = renderTags({ who: 'x{{display_name}}' }, { ...who, display_name: name })
        expect(tag!.Value).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u)
        expect(renderSourceIdentity('xx{{display_name}}', { ...who, display_name: name })).toMatch(/^[\w+=,.@-]{2,64}$/)
      })
    )
  })

  test.for([
    [{ 'aws:who': 'x' }, 'aws:'],
    [{ '': 'x' }, 'a key is'],
    [{ 'a\nb': 'x' }, 'a key is'],
    [{ Who: 'a', who: 'b' }, 'differ in case'],
    [{ who: '{{name}}' }, 'a placeholder is one of {{display_name}}, {{entity}}'],
    [{ who: '{{display_name}' }, 'a placeholder is one of'],
    [{ who: 'a,b' }, 'a value is'],
    [{ who: 'x'.repeat(257) }, 'a value is'],
    [Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v'])), 'at most 50']
  ] as const)('tags that AWS would refuse are refused when the role is written: %j', ([tags, why]) => {
    expect(() => refuseTags(tags as Record<string, string>)).toThrow(why)
  })

  test('a source identity is held to its own alphabet', () => {
    expect(() => refuseSourceIdentity('a b')).toThrow('source_identity:')
    expect(() => refuseSourceIdentity('{{display_name}}@corp')).not.toThrow()
  })

  test('a ticket is wanted where a template names it, and nowhere else', () => {
    expect(ticketFor('deploy', 'OPS-12', '{{ticket}}')).toBe('OPS-12')
    expect(() => ticketFor('deploy', undefined, 'for {{ticket}}')).toThrow('ticket: role "deploy" asks for which ticket this is')
    expect(() => ticketFor('deploy', 'OPS 12\n', '{{ticket}}')).toThrow('ticket: at most 128')
    expect(() => ticketFor('deploy', 'OPS-12', '{{role}}')).toThrow('puts it nowhere')
    expect(ticketFor('deploy', undefined)).toBe('')
  })
})

describe('the policy that cuts sessions', () => {
  const now = Temporal.Instant.from('2026-11-29T12:00:00Z')
  const cut = (part: string, minutes: number) => ({ part, until: now.add({ minutes }) })

  test('denies everything to the sessions whose names end so', () => {
    expect(JSON.parse(cutPolicy([cut('A', 10), cut('B', 20)], now, 10_000).document!)).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Sid: 'Sessions', Effect: 'Deny', Action: '*', Resource: '*', Condition: { StringLike: { 'aws:userid': ['*-B', '*-A'] } } }
      ]
    })
  })

  test('forgets a session that has ended by itself, and is no policy when none is left', () => {
    expect(cutPolicy([cut('A', -1), cut('B', 20)], now, 10_000).document).not.toContain('*-A')
    expect(cutPolicy([cut('A', -1)], now, 10_000).document).toBeUndefined()
    expect(cutPolicy([], now, 10_000).document).toBeUndefined()
  })

  test('never outgrows its room; those that would live longest are cut first, and the others are named', () => {
    const cuts = Array.from({ length: 1_000 }, (_, i) => cut(String(i).padStart(24, '0'), i + 1))
    const made = cutPolicy(cuts, now, 10_000)
    expect(made.document!.length).toBeLessThanOrEqual(10_000)
    expect(made.cut.length).toBeGreaterThan(300)
    expect(made.cut.length + made.leftOut.length).toBe(1_000)
    expect(made.cut[0]!.part).toBe('999'.padStart(24, '0'))
    expect(made.leftOut.at(-1)!.part).toBe('0'.padStart(24, '0'))
  })

  test('by issue time the latest moment counts for all', () => {
    const before = (minutes: number) => ({ ...cut('x', 30), before: now.subtract({ minutes }) })
    expect(JSON.parse(cutPolicy([before(9), before(5), before(7)], now, 10_000).document!).Statement).toEqual([
      {
        Sid: 'IssuedBefore',
        Effect: 'Deny',
        Action: '*',
        Resource: '*',
        Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-11-29T11:55:00Z' } }
      }
    ])
  })
})

describe('waiting until keys are usable', () => {
  test('ends with the third answer in a row', async () => {
    expect(await waited(asked => asked !== 2)).toEqual({ usable: true, asked: 5 })
  })

  test('ends with its time when there are none', async () => {
    expect((await waited(asked => asked % 3 !== 0)).usable).toBe(false)
  })

  test('ends at once when nobody waits any more', async () => {
    const wait = untilUsable(async () => false, { clock: new TestClock(), msMax: 10_000, signal: AbortSignal.abort() })
    await expect(wait).rejects.toThrow()
  })
})

async function waited(answers: (asked: number) => boolean): Promise<{ readonly usable: boolean; readonly asked: number }> {
  const clock = new TestClock()
  let asked = 0
  const wait = untilUsable(async () => answers(++asked), { clock, msMax: 10_000, signal: new AbortController().signal })
  await clock.advance('PT11S')
  return { usable: await wait, asked }
}
