/** What a password is made of: so many characters of all character sets together, and of each set at least so many. */
export interface PasswordPolicy {
  readonly length: number
  readonly rules: readonly CharsetRule[]
  /** Characters that do not come first. */
  readonly notFirst?: string
}

export interface CharsetRule {
  /** Each character once. */
  readonly charset: string
  readonly charactersMin: number
}

/** What is used where nobody named a policy: 20 of `[A-Za-z0-9-]`, one of each kind. Not a `-` first: on a command line it would be an option. */
export const defaultPasswordPolicy: PasswordPolicy = {
  length: 20,
  rules: [
    { charset: 'abcdefghijklmnopqrstuvwxyz', charactersMin: 1 },
    { charset: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', charactersMin: 1 },
    { charset: '0123456789', charactersMin: 1 },
    { charset: '-', charactersMin: 1 }
  ],
  notFirst: '-'
}

/** The characters of all rules, each once: all are equally likely, whatever number of rules names them. */
export function alphabetOf({ rules }: PasswordPolicy): string {
  return [...new Set(rules.flatMap(({ charset }) => charset.split('')))].join('')
}
