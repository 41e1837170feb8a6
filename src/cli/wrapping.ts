import type { RequestOptions } from '../client/client.ts'
import type { Typed } from './typed.ts'

/** Of commands whose reply somebody else is to open. */
export const wrapOptions = { '--wrap-ttl <time>': 'show a token that opens the reply once, within this time (mayfly unwrap)' }

export function wrapping(typed: Typed): RequestOptions {
  const wrapTtl = typed.text('wrapTtl')
  return wrapTtl === undefined ? {} : { wrapTtl }
}
