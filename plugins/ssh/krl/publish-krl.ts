import type { MountStorage, Task } from 'mayfly/plugin'
import { revokedKeyHashes } from '../blocked-keys/blocked-keys.ts'
import type { Engine } from '../engine.ts'
import { parseKeyLine } from '../format/key-line.ts'
import { parseKrl } from '../format/parse-krl.ts'
import { serialRanges } from '../format/serial-ranges.ts'
import { signerOfMessage, signMessage } from '../format/sshsig.ts'
import type { RevokedCertificates } from '../format/krl.ts'
import { schedulePushes } from '../hosts/schedule-pushes.ts'
import { publishedIssuers, readIssuers } from '../issuers/issuer.ts'
import type { Issuer, Issuers } from '../issuers/issuer.ts'
import { fittingKrl } from './fitting-krl.ts'
import { krlNamespace, krlSigner } from './krl-signer.ts'
import { publishedBodyKey, publishedHeadKey } from './published-krl.ts'
import type { PublishedBody, PublishedHead } from './published-krl.ts'
import { readRevoked } from './revoked-rows.ts'
import { readSkipped } from './skipped-rows.ts'

// A fresh date is the sign of life that hosts look for.
const publishEvery = Temporal.Duration.from('PT5M')

/** Makes the list of the revoked from the rows as they are committed now, signs it, and puts list and signature in one commit. What has been over for long goes. */
export function publishKrlTask(engine: Engine): Task {
  const { context } = engine
  return {
    endsAccess: true,
    async run(_, storage) {
      const now = context.clock.now()
      const nowSeconds = Math.floor(now.epochMilliseconds / 1_000)
      const head = await storage.get(publishedHeadKey)
      const last = (head?.value as PublishedHead | undefined)?.version ?? 0
      // One in a second: versions that run ahead of the time would be above all that this store says once it was restored.
      if (last === nowSeconds) return { again: Temporal.Instant.fromEpochMilliseconds((nowSeconds + 1) * 1_000) }
      // By the time as well: a store that was restored does not go back below what hosts run.
      const version = Math.max(last + 1, nowSeconds)
      const { all } = await readIssuers(storage)
      const notBegun = await whyNotBegun(engine, all, storage)
      const { body, beside } = fittingKrl({
        version: BigInt(version),
        generatedAt: BigInt(nowSeconds),
        certificates: await revokedOf(all.issuers, storage, nowSeconds),
        keys: all.issuers.filter(({ phase }) => phase === 'revoked').map(({ publicKey }) => parseKeyLine(publicKey).key),
        fingerprints: await revokedKeyHashes(storage)
      })
      // A list that cannot be read locks every host: it is read before anybody gets it.
      parseKrl(body)
      const signature = await signedList(body, storage)
      storage.put(publishedHeadKey, { version, at: nowSeconds, bytes: body.length } satisfies PublishedHead, head?.version ?? 0)
      storage.put(publishedBodyKey, { version, krl: body.toString('base64'), signature } satisfies PublishedBody)
      await schedulePushes(context, storage)
      const again = now.add(publishEvery)
      const why = beside === 0n ? notBegun : coarse(beside)
      return why === undefined ? { again } : { again, why }
    }
  }
}

/** Verified, each of them: a list whose signature hosts do not take is as good as none. */
async function signedList(body: Buffer, storage: MountStorage): Promise<string> {
  const signature = await signMessage(await krlSigner(storage), krlNamespace, body)
  signerOfMessage(signature, krlNamespace, body)
  return signature
}

/** A store that was restored refuses what was signed since, whether or not anything is signed again. Where that cannot be written, those who were revoked are refused all the same. */
async function whyNotBegun({ context, serials }: Engine, all: Issuers, storage: MountStorage): Promise<string | undefined> {
  try {
    for (const issuer of publishedIssuers(all)) await serials.begin(issuer, storage)
    return undefined
  } catch (error) {
    context.log.error('what may have been signed after a backup could not be put on the list of the revoked', {}, error)
    return 'what may have been signed after a backup is not on the list yet'
  }
}

/** An alarm that stays until the list fits again. */
function coarse(beside: bigint): string {
  return `too many certificates are revoked for a KRL that hosts can read: ${beside} numbers that nobody has revoked are refused with them; revoke the issuer and sign with a new one`
}

async function revokedOf(issuers: readonly Issuer[], storage: MountStorage, nowSeconds: number): Promise<readonly RevokedCertificates[]> {
  const revoked: RevokedCertificates[] = []
  for (const { id, publicKey, phase } of issuers) {
    // Its key is on the list, and with it all that it signed.
    if (phase === 'revoked') continue
    const { serials, over } = await readRevoked(storage, id, nowSeconds)
    const skipped = await readSkipped(storage, id, nowSeconds)
    for (const { key, version } of over) storage.remove(key, version)
    for (const key of skipped.over) storage.remove(key)
    revoked.push({ ca: parseKeyLine(publicKey).key, serials: serialRanges(serials, skipped.ranges), keyIds: [] })
  }
  return revoked
}
