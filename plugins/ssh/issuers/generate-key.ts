import { generateKeyPair } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { BrokerError } from 'mayfly/plugin'

const generate = promisify(generateKeyPair)

/** Of a key that a person brings or is given: below it sshd itself refuses some day. */
export const rsaBitsMin = 2_048
// Above it OpenSSL takes minutes, and no host asks for more.
const rsaBitsMax = 8_192
const curves: Readonly<Record<number, string>> = { 0: 'P-256', 256: 'P-256', 384: 'P-384', 521: 'P-521' }

/** A new key pair by the names of the wire; '' = Ed25519. `bits` 0 = the usual of the type. Throws in the wire's words. */
export async function generateKey(type: string, bits: number, rsaBitsUsual: number): Promise<KeyObject> {
  switch (type) {
    case '':
    case 'ed25519':
    case 'ssh-ed25519':
      return (await generate('ed25519')).privateKey
    case 'rsa':
    case 'ssh-rsa':
      return generateRsa(bits || rsaBitsUsual)
    case 'ec':
      return generateEc(type, bits)
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return generateEc(type, Number(type.slice(-3)))
    default:
      throw refusal(`unknown ssh key pair algorithm: ${type.slice(0, 64)}`)
  }
}

/** In libuv's pool: primes of 2,048 bits take up to a second to find. */
async function generateRsa(bits: number): Promise<KeyObject> {
  if (bits < rsaBitsMin) throw refusal(`refusing to generate weak rsa key: ${bits} bits < ${rsaBitsMin} bits`)
  if (bits > rsaBitsMax || bits % 8 !== 0) throw refusal(`key_bits: of an RSA key at most ${rsaBitsMax}, in steps of 8`)
  return (await generate('rsa', { modulusLength: bits, publicExponent: 65_537 })).privateKey
}

async function generateEc(type: string, bits: number): Promise<KeyObject> {
  const namedCurve = curves[bits]
  if (namedCurve === undefined) throw refusal(`unknown ECDSA key pair algorithm and bits: ${type} / ${bits}`)
  return (await generate('ec', { namedCurve })).privateKey
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
