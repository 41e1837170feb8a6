/** What one client may ask of the listener, so that no input means memory or time without bound. Tests hand in smaller ones. */
export interface Limits {
  readonly headerBytesMax: number
  readonly headersMax: number
  readonly headersMs: number
  readonly requestMs: number
  readonly keepAliveMs: number
  readonly stalledMs: number
  readonly longWorkMs: number
  readonly handshakeMs: number
  readonly checkEveryMs: number
  readonly requestsPerConnectionMax: number
  readonly connectionsMax: number
  readonly bodyBytesMax: number
  readonly bodiesBytesMax: number
}

export const wireLimits: Limits = {
  headerBytesMax: 16_384,
  // Clients and proxies send some twenty. What is beyond Node's own limit it drops in silence, a token for instance: we refuse instead.
  headersMax: 100,
  headersMs: 10_000,
  requestMs: 30_000,
  // Go's clients keep idle connections for 90 s: a shorter time here lets them write into a connection that is closing.
  keepAliveMs: 95_000,
  // A reply that nobody reads. Longer than any request may take (a synchronous revoke waits 20 s, a target call has its own deadline).
  stalledMs: 120_000,
  // What asks every target or copies the store first: a minute a target, some ten seconds a gigabyte.
  longWorkMs: 1_800_000,
  handshakeMs: 10_000,
  checkEveryMs: 1_000,
  requestsPerConnectionMax: 1_000,
  // Beyond it the connection that has been idle longest makes room.
  connectionsMax: 8_192,
  // As on the wire.
  bodyBytesMax: 32 * 1_024 * 1_024,
  // All large bodies that are on their way in, of all connections.
  bodiesBytesMax: 256 * 1_024 * 1_024
}
