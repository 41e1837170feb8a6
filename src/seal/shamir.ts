import type { Random } from '../contracts/index.ts'
import { invert, multiply } from './gf256.ts'
import type { ShamirConfig } from './shamir-config.ts'

/** Shamir's secret sharing, byte by byte: a random polynomial of degree `threshold - 1` whose value at 0 is the secret. A share is the values at one x, then
 *  that x, as in Vault. Any `threshold` shares give the secret; fewer tell nothing about it, because every secret fits them equally well. */
export function split(secret: Uint8Array, config: ShamirConfig, random: Random): Uint8Array[] {
  // Highest power first, the secret last.
  const chosen = Array.from({ length: config.threshold - 1 }, () => random.bytes(secret.length))
  const shares = distinctPoints(config.shares, random).map(x => Uint8Array.of(...valuesAt(x, [...chosen, secret]), x))
  for (const coefficients of chosen) coefficients.fill(0)
  return shares
}

/** The value at 0 of the polynomial through these shares. It always gives something: only a tag that was made with the secret tells whether the shares were
 *  right. `undefined` when they cannot be one set: two of one x, none, or of different lengths. */
export function combine(shares: readonly Uint8Array[]): Uint8Array | undefined {
  const points = shares.map(share => share.at(-1) ?? 0)
  const length = shares[0]?.length ?? 0
  if (length < 2 || shares.some(share => share.length !== length)) return undefined
  if (points.includes(0) || new Set(points).size !== points.length) return undefined
  const weights = points.map(x => weightAtZero(x, points))
  return Uint8Array.from({ length: length - 1 }, (_, index) => sum(shares.map((share, of) => multiply(weights[of]!, share[index]!))))
}

// Horner's rule, for all bytes of the secret.
function valuesAt(x: number, coefficients: readonly Uint8Array[]): Uint8Array {
  const values = new Uint8Array(coefficients[0]!.length)
  for (const coefficient of coefficients) values.forEach((value, index) => (values[index] = multiply(value, x) ^ coefficient[index]!))
  return values
}

// Lagrange's basis polynomial of `x` at 0; subtraction is XOR.
function weightAtZero(x: number, points: readonly number[]): number {
  return points.filter(other => other !== x).reduce((weight, other) => multiply(weight, multiply(other, invert(other ^ x))), 1)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total ^ value, 0)
}

// The first of a shuffled 1 to 255 (Fisher and Yates). 0 would be the secret itself.
function distinctPoints(count: number, random: Random): number[] {
  const points = Array.from({ length: 255 }, (_, index) => index + 1)
  for (let at = 0; at < count; at++) {
    const from = at + random.below(points.length - at)
    const [here, there] = [points[at]!, points[from]!]
    points[at] = there
    points[from] = here
  }
  return points.slice(0, count)
}
