import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { BackendContext } from 'mayfly/plugin'
import { writeKeyLine } from '../format/key-line.ts'
import { isSignedByAside } from '../format/signature.ts'
import { signerOf } from '../format/signer.ts'
import type { RsaAlgorithm, Signer } from '../format/signer.ts'
import { issuerKeyRow, readIssuers } from './issuer.ts'

const probe = Buffer.from('mayfly: whether this key signs')
// A key that changes in memory signs what no host takes, for so long at most; and ten verifications a second are lost in the noise, however many certificates there are.
const verifyEveryMs = 100

/** The private keys of issuers, parsed and tried once. Whether one may sign is asked of its row each time, not here. */
export class SigningKeys {
  readonly #context: Pick<BackendContext, 'storage' | 'clock'>
  readonly #keys = new Map<string, KeyObject>()
  readonly #signers = new Map<string, Signer>()
  /** By `clock.elapsed()`. */
  readonly #verifiedAt = new WeakMap<Signer, number>()

  constructor(context: Pick<BackendContext, 'storage' | 'clock'>) {
    this.#context = context
  }

  async signer(issuer: string, rsa: RsaAlgorithm): Promise<Signer> {
    const name = `${issuer} ${rsa}`
    const known = this.#signers.get(name)
    if (known) return known
    const signer = signerOf(await this.#key(issuer), rsa)
    await this.#requireTrusted(issuer, signer)
    if (!(await isSignedByAside(signer.publicKey, probe, await signer.sign(probe))))
      throw new BrokerError('integrity', `the key of issuer ${issuer} does not sign as it should`)
    this.#signers.set(name, signer)
    return signer
  }

  /** Whether what it has just signed has to be verified: always, but for what is computed twice; of that the first that a loaded key signs, and then one in each tenth of a second. */
  mustVerify(signer: Signer): boolean {
    if (!signer.repeats) return true
    const now = this.#context.clock.elapsed()
    const last = this.#verifiedAt.get(signer)
    if (last !== undefined && now - last < verifyEveryMs) return false
    this.#verifiedAt.set(signer, now)
    return true
  }

  /** What is in memory: the next signature is by what the store has. */
  forget(): void {
    this.#keys.clear()
    this.#signers.clear()
  }

  /** Hosts were given the issuer's public key, and take nothing that another one has signed. */
  async #requireTrusted(issuer: string, { publicKey }: Signer): Promise<void> {
    const { all } = await readIssuers(this.#context.storage)
    const row = all.issuers.find(({ id }) => id === issuer)
    if (row?.publicKey !== writeKeyLine(publicKey))
      throw new BrokerError('integrity', `the key of issuer ${issuer} is not the one that hosts were told to trust`)
  }

  async #key(issuer: string): Promise<KeyObject> {
    const known = this.#keys.get(issuer)
    if (known) return known
    const stored = await this.#context.storage.get(issuerKeyRow(issuer))
    if (!stored) throw new BrokerError('integrity', `the key of issuer ${issuer} is not there`)
    const key = createPrivateKey((stored.value as { readonly pkcs8: string }).pkcs8)
    this.#keys.set(issuer, key)
    return key
  }
}
