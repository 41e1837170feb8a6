/** What the hosts need of the engine: its CA signs for them, its KRL is what they run, its leases are what they report on. */
import type { BackendContext, Issuance, MountReader, MountStorage, PathRequest } from 'mayfly/plugin'

export interface HostParts {
  readonly context: BackendContext
  /** The plan of a host certificate, by the issuer that signs for hosts. Throws `invalid_request` where there is none. */
  planHostCertificate(request: PathRequest<unknown>, storage: MountStorage, wanted: HostCertificate): Promise<Issuance>
  /** Of the KRL that is published now. */
  krlVersion(storage: MountReader): Promise<number>
  /** A login that a host has seen. What belongs to no lease is left out. */
  used(storage: MountStorage, login: SeenLogin): Promise<void>
}

export interface HostCertificate {
  readonly host: string
  /** One line. */
  readonly publicKey: string
  readonly names: readonly string[]
  /** Seconds. */
  readonly ttl: number
}

export interface SeenLogin {
  /** Fingerprint of the CA, `SHA256:…`. */
  readonly ca: string
  readonly serial: string
  readonly at: Temporal.Instant
  readonly from: string
}
