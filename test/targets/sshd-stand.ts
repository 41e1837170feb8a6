/** What the tables of OpenSSH's behaviour share: CAs of every kind, a user's key, and a login that says whether it was let in. */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeKeyLine } from '../../plugins/ssh/format/key-line.ts'
import { signerOf } from '../../plugins/ssh/format/signer.ts'
import type { Signer } from '../../plugins/ssh/format/signer.ts'
import { opensshVersion } from './sshd-programs.ts'

export const ed25519 = (): Signer => signerOf(generateKeyPairSync('ed25519').privateKey)
export const ecdsa = (namedCurve: string): Signer => signerOf(generateKeyPairSync('ec', { namedCurve }).privateKey)

export const keyLineOf = (file: string): string => readFileSync(`${file}.pub`, 'utf8')
export const linesOf = (...signers: readonly Signer[]): string => signers.map(({ publicKey }) => `${writeKeyLine(publicKey)}\n`).join('')

// The four that were measured: what lies between them behaves as the one before.
const measured = [8.4, 9.2, 10, 10.3]

/** `AAAR`: accepted by the first three, refused by the last. One letter is for all. */
export function isAccepted(results: string): boolean {
  const here = measured.findLastIndex(version => version <= opensshVersion())
  return results.at(results.length === 1 ? 0 : Math.max(here, 0)) === 'A'
}
