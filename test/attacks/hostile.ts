/** Texts that parsers, stores and targets have stumbled over, more likely than others. */
import * as fc from 'fast-check'

const words = [
  ". .. / // \\ %2f %2e %00 % %zz %c0%af ? # ; : @ = & + * , ~ \" ' ` $ $$ $& $' { } {{ }} {{name}} {{password}} <script> -- /* ';drop",
  '__proto__ constructor toString null true root Root default sys users app a list=true 0 -1 1 1e309 0x10 9007199254740993',
  '9223372036854775808 Infinity NaN 1h 5m 1.5h s d ۱ é e\u0301 \u212a ａ 🙂'
].flatMap(line => line.split(' '))

const invisible = [' ', '\u0000', '\n', '\r\n', '\t', '\u001b[31m', '\u007f', '\u0085', '\u2028', '\u202e', '\u200b', '\ufeff', '\ud800']

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...words) },
  { weight: 1, arbitrary: fc.constantFrom(...invisible) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) }
)

export const hostileText = fc.array(piece, { maxLength: 8 }).map(parts => parts.join(''))

/** A value for a field: texts above all, numbers at the edges, and the shapes that a field does not expect. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: hostileText },
  fc.constantFrom(0, -1, 1, 0.5, 2 ** 31, 2 ** 31 - 1, 2 ** 53 - 1, -(2 ** 53) + 1, true, false, null, [], {}, '', [[]], { a: { b: [] } }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.array(hostileText, { maxLength: 4 }),
  fc.dictionary(hostileText, hostileText, { maxKeys: 3 })
)
