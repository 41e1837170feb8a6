import { BrokerError } from 'mayfly/plugin'

// As the wire's generic names: word characters, with `-` and `.` inside. A name is a key of the store and a part of the target id.
const namePattern = /^\w(?:[\w.-]{0,254}\w)?$/

export const isName = (text: string): boolean => namePattern.test(text)

/** A name of a connection that is about to be written. */
export function connectionName(name: string | undefined): string {
  return writtenName(name, 'empty name attribute given')
}

/** A name of a role that is about to be written. */
export function roleName(name: string | undefined): string {
  return writtenName(name, 'empty role name attribute given')
}

function writtenName(name: string | undefined, whenEmpty: string): string {
  if (!name) throw new BrokerError('invalid_request', whenEmpty)
  if (!isName(name))
    throw new BrokerError('invalid_request', 'name: letters, digits, "_", "-" and "." only, at most 256, the last two not at the ends')
  return name
}
