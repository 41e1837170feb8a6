import type { AskingCall, JsonObject } from 'mayfly/plugin'

/** What the broker says of a certificate that this user was given. `over`: it was revoked, and hosts refuse it or soon will. `denied`: it does not say. Rejects when it cannot be asked. */
export async function heldLease(call: AskingCall, lease: string): Promise<JsonObject | 'over' | 'denied'> {
  try {
    const { data = {} } = (await call.request('POST', 'sys/leases/lookup', { lease_id: lease })) ?? {}
    return data['state'] === 'active' && data['cause'] === null ? data : 'over'
  } catch (error) {
    const status = (error as { readonly status?: number }).status
    if (status === 400) return 'over'
    if (status === 403) return 'denied'
    throw error
  }
}
