import { BrokerError } from 'mayfly/plugin'

/** `` `name` ``, whatever the name holds and whatever the server's mode. Names read back from a server are hostile: they are quoted as well. */
export const quoteIdentifier = (name: string): string => `\`${withoutNul(name).replaceAll('`', () => '``')}\``

/** An account is user and host; no statement of ours names one without the other. */
export const quoteAccount = (name: string, host: string): string => `${quoteIdentifier(name)}@${quoteIdentifier(host)}`

/** `'text'`. A backslash escapes in the mode that every session of ours pins. */
export const quoteLiteral = (text: string): string => `'${withoutNul(text).replaceAll(/['\\]/g, one => one + one)}'`

export const quoteLiterals = (texts: readonly string[]): string => texts.map(quoteLiteral).join(', ')

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new BrokerError('invalid_request', 'a name or value contains NUL')
  return text
}
