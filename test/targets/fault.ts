export type Direction = 'client' | 'server'

/** What a network does to connections. Set on a proxy it counts for all of them, old and new, until another is set. */
export type Fault =
  | { readonly kind: 'pass' }
  /** Silence: nothing arrives and nobody is told, until another fault is set; then what was sent arrives, as TCP would send it again. */
  | { readonly kind: 'black-hole'; readonly direction?: Direction }
  /** Everything arrives, later. */
  | { readonly kind: 'delay'; readonly milliseconds: number; readonly direction?: Direction }
  /** Resets both sides once somebody (`from`, the client unless said otherwise) has sent the pattern: `before` the other side gets it, or `after` the other side has answered it. Strikes once. */
  | { readonly kind: 'cut'; readonly pattern: string | RegExp; readonly when: 'before' | 'after'; readonly from?: Direction }
  /** The server gets the pattern; its answer and all that follows never arrive, and the connection stays open. Strikes once. */
  | { readonly kind: 'swallow'; readonly pattern: string | RegExp }
  /** New connections are reset at once, old ones at their next byte. */
  | { readonly kind: 'reset' }
