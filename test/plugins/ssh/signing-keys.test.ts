/** A machine whose memory or processor errs: what is signed there gives no key away, and does not go on for long being what no host takes. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import type { BackendContext, BackendType, CredentialType, JsonObject } from '../../../src/contracts/index.ts'
import type { Engine } from '../../../plugins/ssh/engine.ts'
import { computedTwice } from '../../../plugins/ssh/format/computed-twice.ts'
import { isGenuine, parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { ssh } from '../../../plugins/ssh/index.ts'
import { issuerKeyRow } from '../../../plugins/ssh/issuers/issuer.ts'
import { SigningKeys } from '../../../plugins/ssh/issuers/signing-keys.ts'
import { certificateCredential } from '../../../plugins/ssh/sign/certificate-credential.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { newKeyLine, userRole } from './mount.ts'

/** The engine's own parts on the rows of a mount, so that a test reaches what is in memory. */
async function signingMount() {
  const clock = new TestClock()
  let context: BackendContext | undefined
  const opened: BackendType = { type: 'ssh', open: given => ssh.open((context = given)) }
  const mount = await TestMount.open(opened, { clock, random: systemRandom })
  const { data } = (await mount.write('config/ca', {})) as { data: { issuer_id: string } }
  await mount.write('roles/app', userRole)
  mount.asks = { public_key: newKeyLine() }
  const keys = new SigningKeys(context!)
  const credential = certificateCredential({ context: context!, keys } as Engine) as CredentialType
  const minted = async () => {
    const { lease, plan, handle, createBy } = await mount.plan('sign/app')
    const until = clock.now().add('PT10M')
    const { target, recipe, order = null } = plan
    const { secret } = await credential.mint!({ lease, target, recipe, handle, order, createBy: createBy!, until })
    return isGenuine(parseCertificateLine((secret.reveal() as JsonObject & { signed_key: string }).signed_key))
  }
  /** As a bit that tips over, but so that the key is still one. */
  const damage = async () => {
    const { publicKey } = await keys.signer(data.issuer_id, 'rsa-sha2-512')
    if (publicKey.type !== 'ssh-ed25519') throw new Error('not an Ed25519 key')
    publicKey.point.set(Buffer.from(createPublicKey(otherKey()).export({ format: 'jwk' }).x!, 'base64url'))
  }
  return { mount, clock, keys, issuer: data.issuer_id, minted, damage }
}

const otherKey = () => generateKeyPairSync('ed25519').privateKey

test('a key that changes in memory signs what no host takes for a tenth of a second, and is then loaded anew', async () => {
  const { clock, minted, damage } = await signingMount()
  expect(await minted()).toBe(true)
  await damage()
  // What is computed twice is the same twice.
  expect(await minted()).toBe(false)
  await clock.advance('PT0.1S')
  await expect(minted()).rejects.toThrow('it was thrown away')
  expect([await minted(), await minted()]).toEqual([true, true])
})

test('the first that a loaded key signs is verified', async () => {
  const { minted, damage } = await signingMount()
  await damage()
  await expect(minted()).rejects.toThrow('it was thrown away')
  expect(await minted()).toBe(true)
})

test('a key that is not the one that hosts were told to trust signs nothing', async () => {
  const { mount, keys, issuer } = await signingMount()
  const rows = mount.rows.begin()
  rows.put(issuerKeyRow(issuer), { pkcs8: otherKey().export({ type: 'pkcs8', format: 'pem' }) })
  rows.commit()
  await expect(keys.signer(issuer, 'rsa-sha2-512')).rejects.toThrow('not the one that hosts were told to trust')
})

test('what is not computed twice is verified each time', async () => {
  const { mount, keys } = await signingMount()
  const { data } = (await mount.write('issuers/import/p256', { key_type: 'ec' })) as { data: { issuer_id: string } }
  const signer = await keys.signer(data.issuer_id, 'rsa-sha2-512')
  expect([keys.mustVerify(signer), keys.mustVerify(signer)]).toEqual([true, true])
})

test('a signature that does not come out the same twice is not given away', async () => {
  const key = otherKey()
  let faults = 1
  const faulty = async () => {
    const signature = sign(null, Buffer.from('message'), key)
    if (faults-- === 1) signature[40]! ^= 1
    return signature
  }
  await expect(computedTwice(faulty)).rejects.toThrow('two signatures of the same are not the same')
  expect(await computedTwice(faulty)).toEqual(sign(null, Buffer.from('message'), key))
})
