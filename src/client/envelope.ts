import { z } from '../contracts/index.ts'
import type { Json, JsonObject } from '../contracts/json.ts'
import { NotUnderstood } from './client-error.ts'

const auth = z.looseObject({
  client_token: z.string(),
  accessor: z.string(),
  policies: z.array(z.string()).nullish(),
  token_policies: z.array(z.string()).nullish(),
  identity_policies: z.array(z.string()).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  lease_duration: z.number(),
  renewable: z.boolean()
})

const envelope = z.object({
  request_id: z.string().nullish(),
  lease_id: z.string().nullish(),
  renewable: z.boolean().nullish(),
  lease_duration: z.number().nullish(),
  data: z.record(z.string(), z.unknown()).nullish(),
  wrap_info: z.record(z.string(), z.unknown()).nullish(),
  warnings: z.array(z.string()).nullish(),
  auth: auth.nullish()
})

/** Written out, so that no type of the checker's reaches those who import the client. */
export interface Auth {
  readonly client_token: string
  readonly accessor: string
  readonly policies?: readonly string[] | null | undefined
  readonly token_policies?: readonly string[] | null | undefined
  readonly identity_policies?: readonly string[] | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
  readonly lease_duration: number
  readonly renewable: boolean
}

/** A reply as the wire writes it, every key present. */
export interface Envelope {
  readonly request_id: string
  readonly lease_id: string
  readonly renewable: boolean
  readonly lease_duration: number
  readonly data: JsonObject | null
  readonly wrap_info: JsonObject | null
  readonly warnings: readonly string[] | null
  readonly auth: Auth | null
}

export const emptyEnvelope: Envelope = {
  request_id: '',
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  data: null,
  wrap_info: null,
  warnings: null,
  auth: null
}

/** The routes of the broker's life answer plain bodies, without an envelope: such a body is the `data`. */
export function toEnvelope(body: Json): Envelope {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new NotUnderstood('the reply is no JSON object')
  if (!Object.hasOwn(body, 'request_id')) return { ...emptyEnvelope, data: body as JsonObject }
  const parsed = envelope.safeParse(body)
  if (!parsed.success) throw new NotUnderstood(`the reply is not understood: ${parsed.error.issues[0]?.path.join('.') ?? 'body'}`)
  const { request_id, lease_id, renewable, lease_duration, data, wrap_info, warnings, auth } = parsed.data
  return {
    request_id: request_id ?? '',
    lease_id: lease_id ?? '',
    renewable: renewable ?? false,
    lease_duration: lease_duration ?? 0,
    data: (data ?? null) as JsonObject | null,
    wrap_info: (wrap_info ?? null) as JsonObject | null,
    warnings: warnings ?? null,
    auth: auth ?? null
  }
}
