import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/index.ts'
import { addressAllowed } from '../../src/identity/bound-address.ts'
import { planToken } from '../../src/identity/plan-token.ts'
import type { TokenMaker, TokenRequest } from '../../src/identity/token-request.ts'
import type { Token } from '../../src/store/token.ts'

const now = Temporal.Instant.from('2026-11-25T12:00:00Z')
const ttls = { defaultTtl: 3_600, maxTtl: 86_400 }

const names = ['app', 'default', 'ops', 'root', 'Root', ' root', 'APP', 'response-wrapping', '']
const seconds = fc.constantFrom(0, 0, 1, 60, 3_600, 86_400, 2_000_000)

const request: fc.Arbitrary<TokenRequest> = fc.record({
  id: fc.constantFrom('', '', 'chosen', 'a.b'),
  policies: fc.array(fc.constantFrom(...names), { maxLength: 3 }),
  noDefaultPolicy: fc.boolean(),
  meta: fc.constantFrom({}, { a: 'b' }),
  displayName: fc.string({ maxLength: 20 }),
  orphanByPath: fc.boolean(),
  noParent: fc.boolean(),
  renewable: fc.boolean(),
  ttl: seconds,
  explicitMaxTtl: seconds,
  period: seconds,
  uses: fc.constantFrom(0, 0, 1, 5, -1),
  boundCidrs: fc.constantFrom([], [], ['10.1.0.0/16'], ['0.0.0.0/0'], ['::1']),
  type: fc.constantFrom('', 'service', 'batch', 'other'),
  entityAlias: fc.constantFrom('', '', 'x')
})

const maker: fc.Arbitrary<TokenMaker> = fc
  .record({
    policies: fc.constantFrom<readonly string[]>(['root'], ['app'], ['app', 'default'], ['default', 'ops'], []),
    sudo: fc.boolean(),
    uses: fc.constantFrom(0, 0, 0, 1),
    ended: fc.constantFrom(false, false, false, true),
    ends: fc.boolean(),
    boundCidrs: fc.constantFrom([], [], ['10.0.0.0/8']),
    entity: fc.constantFrom('', 'e-1')
  })
  .map(({ sudo, ended, ends, ...more }) => ({
    sudo: sudo || more.policies.includes('root'),
    token: { ...row, ...more, endedAt: ended ? now : null, expiresAt: ends ? now : null }
  }))

const row: Token = {
  hash: 'parent',
  accessor: 'accessor',
  parent: null,
  depth: 3,
  path: 'auth/token/create',
  policies: [],
  displayName: 'token',
  meta: null,
  entity: '',
  uses: 0,
  issuedAt: now,
  creationTtl: 3_600,
  explicitMaxTtl: 0,
  period: 0,
  renewable: true,
  expiresAt: null,
  lastRenewal: null,
  boundCidrs: [],
  endedAt: null,
  endedBy: null
}

/** Whatever is asked: a refusal in words, or a token that holds what `check` says. */
function forEveryToken(check: (token: Token, asked: TokenRequest, by: TokenMaker) => void): void {
  let made = 0
  fc.assert(
    fc.property(request, maker, (asked, by) => {
      try {
        const { token } = planToken(asked, by, ttls, now)
        made++
        check({ ...token, hash: 'h', accessor: 'a', path: 'p' }, asked, by)
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        expect(error.code).toBe('invalid_request')
      }
    }),
    { numRuns: 20_000, seed: 7 }
  )
  expect(made).toBeGreaterThan(500)
}

describe('no maker makes more than it may', () => {
  test('without sudo a child has only policies of its maker', () => {
    forEveryToken((token, _, by) => {
      if (!by.sudo) expect(by.token.policies).toEqual(expect.arrayContaining([...token.policies]))
    })
  })

  test('who does not want the default policy does not get it, even by its name', () => {
    forEveryToken((token, asked) => {
      if (asked.noDefaultPolicy) expect(token.policies).not.toContain('default')
    })
  })

  test('only root makes root, which stands alone', () => {
    forEveryToken((token, _, by) => {
      if (!token.policies.includes('root')) return
      expect(by.token.policies).toContain('root')
      expect(token.policies).toEqual(['root'])
    })
  })

  test('only root is without an end, and not by a root that has one', () => {
    forEveryToken((token, _, by) => {
      if (token.expiresAt !== null) return
      expect(token.policies).toEqual(['root'])
      expect(by.token.expiresAt).toBeNull()
      expect(token.renewable).toBe(false)
    })
  })

  test('nothing but root outlives the maximum, and nothing its own explicit maximum', () => {
    forEveryToken((token, asked) => {
      if (token.expiresAt === null) return
      const lives = (token.expiresAt.epochMilliseconds - now.epochMilliseconds) / 1_000
      expect(lives).toBe(token.creationTtl)
      expect(lives).toBeGreaterThan(0)
      if (!token.policies.includes('root')) expect(lives).toBeLessThanOrEqual(ttls.maxTtl)
      if (asked.explicitMaxTtl > 0) expect(lives).toBeLessThanOrEqual(asked.explicitMaxTtl)
    })
  })

  test('a use limit cannot be shaken off, nor an address, nor an entity taken along by an orphan', () => {
    forEveryToken((token, asked, by) => {
      expect([by.token.uses, by.token.endedAt]).toEqual([0, null])
      if (by.token.boundCidrs.length > 0 && token.expiresAt !== null) expect(addressAllowed(token, '192.0.2.1')).toBe(false)
      const orphan = asked.orphanByPath || asked.noParent
      expect([token.parent, token.depth, token.entity]).toEqual(orphan ? [null, 0, ''] : ['parent', 4, by.token.entity])
      if (token.parent === null && !asked.orphanByPath) expect(by.sudo).toBe(true)
    })
  })

  test('its name is of an alphabet that every target takes', () => {
    forEveryToken(token => expect(token.displayName).toMatch(/^token(-[a-zA-Z0-9-]*)?$/))
  })
})
