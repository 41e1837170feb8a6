import { BrokerError } from 'mayfly/plugin'
import { destinationOf } from './destination.ts'
import type { Destination } from './destination.ts'
import { SshWords } from './ssh-words.ts'

/** A host on the way, and the words that lead to it from the one before. */
export interface Hop {
  readonly words: readonly string[]
  readonly to: Destination
}

export interface Route {
  readonly to: Destination
  /** In the order in which they are passed (`ProxyJump`). */
  readonly jumps: readonly Hop[]
}

// Each costs two starts of ssh. A host whose configuration jumps over itself would go on for ever.
const jumpsMax = 8

const place = /^(?:ssh:\/\/)?(?:(.+)@)?(\[[^\][]+\]|[^\][:@/]+)(?::(\d+))?\/?$/

/** Where ssh would go with these words, and over which hosts: from the command line, from the user's configuration, and from that of the hosts on the way. */
export function routeOf(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Route {
  const to = destinationOf(args, env)
  const { forJumps } = new SshWords(args)
  const hopTo = (spec: string): Hop => {
    const words = [...forJumps, ...wordsTo(spec)]
    return { words, to: destinationOf(words, env) }
  }
  const jumps: Hop[] = []
  let way = to.jump
  while (way !== undefined) {
    if (jumps.length === jumpsMax) throw refusal(`more than ${jumpsMax} jump hosts on the way to ${to.host}`)
    const last = way.lastIndexOf(',')
    const hop = hopTo(way.slice(last + 1))
    jumps.unshift(hop)
    // A list goes before what the configuration says of one of it.
    way = last < 0 ? hop.to.jump : way.slice(0, last)
  }
  return { to, jumps }
}

/** `[user@]host[:port]`, as ssh takes it. */
function wordsTo(spec: string): readonly string[] {
  const [, user, host, port] = place.exec(spec) ?? []
  if (host === undefined) throw refusal(`${JSON.stringify(spec.slice(0, 80))}: this is no jump host`)
  const named = host.replaceAll(/[[\]]/g, '')
  return [...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', port]), '--', named]
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
