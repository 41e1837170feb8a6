import { BrokerError } from 'mayfly/plugin'

/** An Ed25519 signature, which is the same every time: computed twice at once, and given when both are the same. For 60 µs, where verifying takes 150 (measured).
 *
 *  What it is for: one wrong bit while a signature is computed can give away the key. Verifying finds most of these faults, and not one in the secret number that each signature begins with: what comes of a number that became
 *  zero, or the same as in another signature, verifies. Twice finds that as well.
 *
 *  What it does not find, because both are wrong alike: a key that has changed in memory since it was loaded, either half of it, or a processor that always errs. Then no host takes what is signed, and the key is not given
 *  away by it: that takes two signatures of one message, and each certificate has a nonce of its own. Hence what is loaded is tried, and verified again and again as it signs (`SigningKeys`).
 *
 *  Neither finds a wrong message: what was signed is read back and held against what was meant. */
export async function computedTwice(compute: () => Promise<Buffer>): Promise<Buffer> {
  const [one, other] = await Promise.all([compute(), compute()])
  if (!one.equals(other)) throw new BrokerError('integrity', 'two signatures of the same are not the same: both were thrown away')
  return one
}
