import { BrokerError } from 'mayfly/plugin'
import { parseKeyLine } from '../format/key-line.ts'
import { keyBits, requireStrongKey } from '../format/key-strength.ts'
import type { KeyType, PublicKey } from '../format/public-key.ts'
import type { CaRole } from '../roles/role.ts'

const rsaBitsUsual = 3_072
// A role may list it; below it sshd refuses by itself some day.
const rsaBitsMin = 2_048

/** The key to certify, as far as it and the role tell. Throws in the wire's words. */
export function subjectKey(text: string, role: CaRole): PublicKey {
  if (text === '') throw refusal('missing public_key')
  const key = parsed(text)
  const lengths = lengthsFor(key.type, role)
  if (lengths && !lengths.includes(keyBits(key)) && !lengths.includes(0) && key.type === 'ssh-rsa')
    throw refusal(`public_key failed to meet the key requirements: key is of an invalid size: ${keyBits(key)}`)
  if (lengths && isEcdsa(key.type) && !lengths.includes(keyBits(key)) && !lengths.includes(0))
    throw refusal(`public_key failed to meet the key requirements: key is of an invalid size: ${keyBits(key)}`)
  requireStrongKey(key, { what: 'public_key failed to meet the key requirements', rsaBitsMin: lengths ? rsaBitsMin : rsaBitsUsual })
  if (role.requireFido === true && !key.type.startsWith('sk-'))
    throw refusal(
      `public_key failed to meet the key requirements: this role signs FIDO keys only (ssh-keygen -t ed25519-sk), this is ${key.type}`
    )
  return key
}

/** What a line is refused for is told, and never what stood in it. */
function parsed(text: string): PublicKey {
  try {
    return parseKeyLine(text).key
  } catch (cause) {
    const why = cause instanceof BrokerError ? cause.message : 'not readable'
    throw new BrokerError('invalid_request', `failed to parse public_key as SSH key: ${why}`, { cause })
  }
}

/** Absent: the role says nothing of keys. */
function lengthsFor(type: KeyType, { allowedUserKeyLengths }: CaRole): readonly number[] | undefined {
  const listed = Object.keys(allowedUserKeyLengths)
  if (listed.length === 0) return undefined
  const names = listed.filter(name => namesOf(type).includes(name))
  if (names.length === 0) throw refusal(`public_key failed to meet the key requirements: key of type ${namesOf(type)[0]} is not allowed`)
  return names.flatMap(name => allowedUserKeyLengths[name] ?? [])
}

/** As roles name a type of key, the short name first. */
function namesOf(type: KeyType): readonly string[] {
  if (type === 'ssh-rsa') return ['rsa', 'ssh-rsa']
  if (type === 'ssh-ed25519') return ['ed25519', 'ssh-ed25519']
  if (isEcdsa(type)) return ['ecdsa', 'ec', type]
  return [type]
}

const isEcdsa = (type: KeyType): boolean => type.startsWith('ecdsa-')

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
