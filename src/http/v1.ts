/** The handler of everything below `/v1/`: parse, ask the door, reply. It routes by itself: no framework reads these paths, so there is one reading of them. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { WireRequest } from '../broker/door/request.ts'
import { BrokerError, Secret } from '../contracts/index.ts'
import type { JsonObject, Log } from '../contracts/index.ts'
import type { Connections } from './connections.ts'
import type { Door } from './door.ts'
import { lifeRoute } from './life-routes.ts'
import type { Limits } from './limits.ts'
import { writeProblem } from './problem.ts'
import type { Asked } from './problem.ts'
import { hasBody, readBody, skipBody } from './read-body.ts'
import type { BodyRoom } from './read-body.ts'
import { readToken, readWrapSeconds, refuseUnknownScope } from './read-headers.ts'
import { readOperation } from './read-operation.ts'
import { readPath } from './read-path.ts'
import type { WirePath } from './read-path.ts'
import { readQuery } from './read-query.ts'
import type { WireQuery } from './read-query.ts'
import { writeJson, writeReply } from './wire.ts'
import { writeStream } from './write-stream.ts'

export interface V1Parts {
  readonly door: Door
  readonly log: Log
  readonly limits: Limits
  readonly connections: Connections
  readonly bodies: BodyRoom
  /** Counts what is refused before the door, which no audit entry tells of. */
  readonly refused: () => void
}

export async function answerV1(parts: V1Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const visit: Visit = {
    request,
    response,
    requestId: randomUUID(),
    method: request.method ?? '',
    startedMs: performance.now(),
    path: undefined,
    atDoor: false
  }
  try {
    refuseUnknownScope(request)
    const where = readPath(request.url ?? '')
    visit.path = where.path
    const query = readQuery(where.query)
    if (query.help || !(await answerLife(parts, visit, where, query))) await askDoor(parts, visit, where, query)
  } catch (error) {
    if (!visit.atDoor) parts.refused()
    writeProblem(response, error, visit, parts.log)
  }
}

/** One request, and how far it has come. */
interface Visit extends Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  path: string | undefined
  atDoor: boolean
}

async function answerLife(parts: V1Parts, visit: Visit, { path }: WirePath, query: WireQuery): Promise<boolean> {
  const { request, response, requestId } = visit
  const handler = lifeRoute(path, request)
  if (!handler) return false
  const body = await readData(parts, request, query)
  const { remoteAddress, remotePort } = parts.connections.peer(request.socket)
  const reply = await handler({ door: parts.door, query: query.fields, body, from: { requestId, remoteAddress, remotePort } })
  writeJson(response, reply.status, reply.body)
  return true
}

async function askDoor(parts: V1Parts, visit: Visit, where: WirePath, query: WireQuery): Promise<void> {
  const { door, connections, limits } = parts
  const { request, response, requestId: id } = visit
  const { path } = where
  if (door.sealed()) throw new BrokerError('sealed', 'Vault is sealed')
  // Whatever the method, as the servers beside us: who asks for help wants nothing done.
  const asks = query.help
    ? helpAbout(path)
    : { operation: readOperation(request.method, where, query), path, wrapSeconds: readWrapSeconds(request) }
  const token = readToken(request)
  const data = await readData(parts, request, query)
  const userAgent = request.headers['user-agent']?.slice(0, userAgentCharsMax)
  const { remoteAddress, remotePort, gone } = connections.peer(request.socket)
  visit.atDoor = true
  const asked = { id, ...asks, data: query.help ? {} : data, token, remoteAddress, remotePort, userAgent, gone }
  const reply = await patiently(request.socket, path, limits, () => door.perform(asked))
  if (query.help && reply.data && !(reply.data instanceof Secret)) writeJson(response, reply.status, reply.data)
  else if (reply.stream) await writeStream(response, reply.stream, gone)
  else writeReply(response, reply, path)
}

function helpAbout(path: string): Pick<WireRequest, 'operation' | 'path' | 'wrapSeconds'> {
  return { operation: 'read', path: path === '' ? 'sys/internal/help' : `sys/internal/help/${path}`, wrapSeconds: 0 }
}

const worksLong = /^sys\/(backup|resume|reconcile(\/.*)?)$/

/** Nothing goes over the wire meanwhile, and the connection is not stalled for all that. A refusal ends it too: nobody keeps a connection by asking in vain. */
async function patiently<T>(socket: Socket, path: string, limits: Limits, work: () => Promise<T>): Promise<T> {
  if (!worksLong.test(path)) return work()
  socket.setTimeout(limits.longWorkMs)
  try {
    return await work()
  } finally {
    socket.setTimeout(limits.stalledMs)
  }
}

// It goes into the audit: Agent and Proxy write their role there.
const userAgentCharsMax = 256

/** The fields: of the body where one belongs, else of the query; what else is sent is read and forgotten. */
async function readData({ bodies, limits }: V1Parts, request: IncomingMessage, query: WireQuery): Promise<JsonObject> {
  const { method } = request
  if (method === 'PATCH' || (hasBody(request) && (method === 'POST' || method === 'PUT'))) return readBody(request, bodies, limits)
  if (hasBody(request)) await skipBody(request, limits)
  return method === 'POST' || method === 'PUT' ? {} : query.fields
}
