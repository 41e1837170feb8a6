import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { MountReader } from 'mayfly/plugin'
import { isSignedByAside } from '../format/signature.ts'
import { signerOf } from '../format/signer.ts'
import type { RsaAlgorithm, Signer } from '../format/signer.ts'
import { issuerKeyRow } from './issuer.ts'

const probe = Buffer.from('mayfly: whether this key signs')

/** The private keys of issuers, parsed and tried once. Whether one may sign is asked of its row each time, not here. */
export class SigningKeys {
  readonly #storage: MountReader
  readonly #keys = new Map<string, KeyObject>()
  readonly #signers = new Map<string, Signer>()

  constructor(storage: MountReader) {
    this.#storage = storage
  }

  async signer(issuer: string, rsa: RsaAlgorithm): Promise<Signer> {
    const name = `${issuer} ${rsa}`
    const known = this.#signers.get(name)
    if (known) return known
    const signer = signerOf(await this.#key(issuer), rsa)
    if (!(await isSignedByAside(signer.publicKey, probe, await signer.sign(probe))))
      throw new BrokerError('integrity', `the key of issuer ${issuer} does not sign as it should`)
    this.#signers.set(name, signer)
    return signer
  }

  forget(): void {
    this.#keys.clear()
    this.#signers.clear()
  }

  async #key(issuer: string): Promise<KeyObject> {
    const known = this.#keys.get(issuer)
    if (known) return known
    const stored = await this.#storage.get(issuerKeyRow(issuer))
    if (!stored) throw new BrokerError('integrity', `the key of issuer ${issuer} is not there`)
    const key = createPrivateKey((stored.value as { readonly pkcs8: string }).pkcs8)
    this.#keys.set(issuer, key)
    return key
  }
}
