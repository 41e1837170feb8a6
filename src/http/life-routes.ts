/** The routes of the broker's life: they answer while it is sealed or not initialised, to anybody, with plain bodies. Only these exact paths. */
import type { IncomingMessage } from 'node:http'
import type { Caller } from '../broker/life/life-entry.ts'
import { BrokerError } from '../contracts/index.ts'
import type { JsonObject } from '../contracts/index.ts'
import type { Door } from './door.ts'

export interface LifeCall {
  readonly door: Door
  readonly query: JsonObject
  readonly body: JsonObject
  readonly from: Caller
}

export interface LifeReply {
  readonly status: number
  readonly body: JsonObject
}

type Handler = (call: LifeCall) => LifeReply | Promise<LifeReply>

interface LifeRoute {
  readonly read?: Handler
  readonly write?: Handler
  readonly head?: Handler
}

const plain = (body: JsonObject): LifeReply => ({ status: 200, body })

const routes: ReadonlyMap<string, LifeRoute> = new Map<string, LifeRoute>([
  ['sys/health', { read: health, head: health }],
  ['sys/seal-status', { read: ({ door }) => plain(door.sealStatus()) }],
  ['sys/leader', { read: ({ door }) => plain(door.leader()) }],
  [
    'sys/init',
    {
      read: ({ door }) => plain({ initialized: door.initialised() }),
      write: async ({ door, body, from }) => plain(await door.initialise(body, from))
    }
  ],
  ['sys/unseal', { write: async ({ door, body, from }) => plain(await door.unseal(body, from)) }]
])

/** The handler of a life route; `undefined` when the path is none. */
export function lifeRoute(path: string, { method }: IncomingMessage): Handler | undefined {
  const route = routes.get(path)
  if (!route) return undefined
  const handler =
    method === 'GET' ? route.read : method === 'PUT' || method === 'POST' ? route.write : method === 'HEAD' ? route.head : undefined
  if (!handler) throw new BrokerError('unsupported_operation', 'unsupported operation')
  return handler
}

const codeNames = [
  'activecode',
  'standbycode',
  'sealedcode',
  'uninitcode',
  'drsecondarycode',
  'performancestandbycode',
  'haunhealthycode',
  'removedcode'
] as const

/** The caller may choose the codes: load balancers and Go's client do. Every Mayfly that is unsealed is active, but one whose store is held: it only reads, as a standby does. */
function health({ door, query }: LifeCall): LifeReply {
  const codes = Object.fromEntries(codeNames.map(name => [name, code(name, query[name])]))
  const body = door.health()
  return { status: healthStatus(door, body, codes), body }
}

function healthStatus(door: Door, body: JsonObject, codes: Readonly<Record<string, number | undefined>>): number {
  if (!door.initialised()) return codes['uninitcode'] ?? 501
  if (door.sealed()) return codes['sealedcode'] ?? 503
  return body['held'] === true ? (codes['standbycode'] ?? 429) : (codes['activecode'] ?? 200)
}

function code(name: string, value: unknown): number | undefined {
  if (value === undefined || value === '') return undefined
  // Below 200 a status is no reply.
  if (typeof value !== 'string' || !/^[2-5]\d\d$/.test(value))
    throw new BrokerError('invalid_request', `${name} must be a status code from 200 to 599`)
  return Number(value)
}
