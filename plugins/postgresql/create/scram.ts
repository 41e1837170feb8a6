import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { BrokerError } from 'mayfly/plugin'
import type { Random } from 'mayfly/plugin'
import { Turns } from '../../database/driver/turns.ts'

const derive = promisify(pbkdf2)

// The server's own default. Clients may refuse fewer.
const iterations = 4096
const saltBytes = 16
const keyBytes = 32
// As many threads as libuv has: more would wait in its own queue, which nobody can leave.
const turns = new Turns(4)
const verifierPattern = /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/

/** What the server stores instead of the password (RFC 5803). It travels in the password's place: who reads it in a log cannot log in with it. Nothing is computed for whoever is gone before its
 *  turn. */
export async function scramVerifier(password: string, random: Random, signal: AbortSignal): Promise<string> {
  // Other characters need SASLprep (RFC 4013) to come out alike on both sides.
  if (!/^[\x20-\x7e]+$/.test(password))
    throw new BrokerError('invalid_request', 'password: only printable ASCII can become a SCRAM verifier')
  const salt = random.bytes(saltBytes)
  // In libuv's pool: 0.7 ms of CPU that the main thread does not spend.
  const salted = await turns.take(signal, () => derive(password, salt, iterations, keyBytes, 'sha256'))
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64')
  const serverKey = hmac(salted, 'Server Key').toString('base64')
  return wellFormed(`SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`)
}

/** The server takes a malformed verifier for a plain password, without a word. */
export function wellFormed(verifier: string): string {
  if (!verifierPattern.test(verifier)) throw new Error('a SCRAM verifier came out malformed')
  return verifier
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
