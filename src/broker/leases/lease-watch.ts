import type { LeaseId } from '../../contracts/index.ts'
import { Watch } from '../sweep/watch.ts'

/** How a revocation stands: what the sweeper told last of a lease. */
export type Settled = { readonly kind: 'gone' | 'ended' | 'outlives' } | { readonly kind: 'failed'; readonly error: string }

/** Lets a request wait for the sweeper. A request never calls `revoke` on a backend: it makes the lease due and waits here. */
export class LeaseWatch extends Watch<LeaseId, Settled> {}
