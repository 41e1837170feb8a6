import type { Random } from 'mayfly/plugin'
import { randomText } from './random-text.ts'

const passwordLength = 20
const passwordAlphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-'
const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /-/]

/** 119 bits less what the classes cost. A whole password is thrown away until one has all classes, so all that qualify stay equally likely. */
export function newPassword(random: Random): string {
  for (;;) {
    const password = randomText(random, passwordAlphabet, passwordLength)
    if (classes.every(one => one.test(password))) return password
  }
}
