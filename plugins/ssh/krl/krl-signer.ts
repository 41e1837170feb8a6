import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { MountReader, MountStorage } from 'mayfly/plugin'
import { writeKeyLine } from '../format/key-line.ts'
import { publicPart } from '../format/key-object.ts'
import { signerOf } from '../format/signer.ts'
import type { Signer } from '../format/signer.ts'

const key = 'krl/signer'
/** What the signature is for: with it a host takes no signature that was made for something else. */
export const krlNamespace = 'krl@mayfly'

type Row = { readonly pkcs8: string; readonly publicKey: string }

/** A key of its own, and no issuer's: what signs the list never signs a login. Made with the first list. */
export async function krlSigner(storage: MountStorage): Promise<Signer> {
  const stored = (await storage.get(key))?.value as Row | undefined
  if (stored) return signerWith(stored)
  const { privateKey } = generateKeyPairSync('ed25519')
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' })
  storage.put(key, { pkcs8, publicKey: writeKeyLine(publicPart(privateKey)) } satisfies Row, 0)
  return signerOf(privateKey)
}

/** Hosts keep its public key from their first day, and take no list by another one. */
function signerWith({ pkcs8, publicKey }: Row): Signer {
  const signer = signerOf(createPrivateKey(pkcs8))
  if (writeKeyLine(signer.publicKey) !== publicKey)
    throw new BrokerError('integrity', 'the key that signs the KRL is not the one that hosts know')
  return signer
}

/** Its line for a file of allowed signers; undefined before the first list. */
export async function krlSignerLine(storage: MountReader): Promise<string | undefined> {
  const stored = (await storage.get(key))?.value as Row | undefined
  return stored && `mayfly namespaces="${krlNamespace}" ${stored.publicKey}`
}
