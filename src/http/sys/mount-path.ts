import { BrokerError } from '../../contracts/index.ts'

const segment = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?$/
const segmentsMax = 8

/** The path under which something may be mounted, with its slash. What belongs to the broker itself is refused. `prefix`: of auth methods, which have a room of their own. */
export function newMountPath(asked: string, prefix: '' | 'auth/' = ''): string {
  const segments = asked.replace(/\/+$/, '').split('/')
  if (segments.length > segmentsMax) throw new BrokerError('invalid_request', `path: at most ${segmentsMax} segments`)
  if (!segments.every(part => segment.test(part)))
    throw new BrokerError(
      'invalid_request',
      'path: expected letters, digits, "_", "-" and ".", each segment beginning and ending with a letter, digit or "_"'
    )
  const path = `${prefix}${segments.join('/')}/`
  if (prefix === '' && reserved.has(segments[0]!)) throw new BrokerError('invalid_request', `cannot mount "${path}"`)
  return path
}

const reserved: ReadonlySet<string> = new Set(['sys', 'auth', 'audit', 'cubbyhole', 'identity'])
