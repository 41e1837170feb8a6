/** The field of 256 elements with the polynomial of AES (FIPS 197 §4.2), in which addition is XOR.
 *
 *  No tables and no branches on values: an index into a table leaves its trace in the processor's cache, and so, share by share, the unseal key
 *  (CVE-2023-25000). Operands are whole numbers from 0 to 255. */
export function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = 7; bit >= 0; bit--) {
    const reduced = (product << 1) ^ (-(product >> 7) & 0x11b)
    product = reduced ^ (-((b >> bit) & 1) & a)
  }
  return product
}

/** a^254, which is 1/a, since a^255 = 1; 0 for 0. The exponent is 0b11111110: seven squarings, each result multiplied in. */
export function invert(a: number): number {
  let power = a
  let inverse = 1
  for (let step = 0; step < 7; step++) {
    power = multiply(power, power)
    inverse = multiply(inverse, power)
  }
  return inverse
}
