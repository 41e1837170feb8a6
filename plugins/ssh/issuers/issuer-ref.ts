import { BrokerError } from 'mayfly/plugin'
import { shownIssuers } from './issuer.ts'
import type { Issuer, Issuers } from './issuer.ts'

const namePattern = /^\w(?:[\w.-]{0,62}\w)?$/

/** By id, by name, or the default. */
export function findIssuer(all: Issuers, ref: string): Issuer | undefined {
  const wanted = ref.toLowerCase() === 'default' ? all.default : ref
  return shownIssuers(all).find(({ id, name }) => id === wanted || (name !== '' && name === wanted))
}

/** Throws in the wire's words. */
export function issuerAt(all: Issuers, ref: string): Issuer {
  const issuer = findIssuer(all, ref)
  if (issuer) return issuer
  if (ref.toLowerCase() === 'default') throw refusal('no default issuer currently configured')
  throw refusal(`unable to find issuer for reference: ${ref}`)
}

/** A name that is about to be given; '' = none. */
export function newIssuerName(all: Issuers, name: string, except?: Issuer): string {
  if (name === '') return name
  if (name.toLowerCase() === 'default') throw refusal("reserved keyword 'default' can not be used as issuer name")
  if (!namePattern.test(name)) throw refusal('issuer name contained invalid characters')
  if (all.issuers.some(issuer => issuer.id !== except?.id && (issuer.name === name || issuer.id === name)))
    throw refusal('issuer name already in use')
  return name
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
