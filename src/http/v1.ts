/** The handler of everything below `/v1/`: parse, ask the door, reply. It routes by itself: no framework reads these paths, so there is one reading of them. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BrokerError } from '../contracts/index.ts'
import type { JsonObject, Log } from '../contracts/index.ts'
import type { Connections } from './connections.ts'
import type { Door } from './door.ts'
import { lifeRoute } from './life-routes.ts'
import type { Limits } from './limits.ts'
import { writeProblem } from './problem.ts'
import { hasBody, readBody, skipBody } from './read-body.ts'
import type { BodyRoom } from './read-body.ts'
import { readToken, refuseUnknownScope } from './read-headers.ts'
import { readOperation } from './read-operation.ts'
import { readPath } from './read-path.ts'
import type { WirePath } from './read-path.ts'
import { readQuery } from './read-query.ts'
import type { WireQuery } from './read-query.ts'
import { writeJson, writeReply } from './wire.ts'

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
  const asked: Asked = {
    requestId: randomUUID(),
    method: request.method ?? '',
    startedMs: performance.now(),
    path: undefined,
    atDoor: false
  }
  try {
    refuseUnknownScope(request)
    const where = readPath(request.url ?? '')
    asked.path = where.path
    const query = readQuery(where.query)
    if (!(await answerLife(parts, request, response, asked, where, query))) await askDoor(parts, request, response, asked, where, query)
  } catch (error) {
    if (!asked.atDoor) parts.refused()
    writeProblem(response, error, asked, parts.log)
  }
}

/** What is known of a request so far. */
interface Asked {
  readonly requestId: string
  readonly method: string
  readonly startedMs: number
  path: string | undefined
  atDoor: boolean
}

async function answerLife(
  parts: V1Parts,
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked,
  { path }: WirePath,
  query: WireQuery
): Promise<boolean> {
  const handler = lifeRoute(path, request)
  if (!handler) return false
  const body = await readData(parts, request, query)
  const { remoteAddress, remotePort } = parts.connections.peer(request.socket)
  const { status, body: answer } = await handler({
    door: parts.door,
    query: query.fields,
    body,
    from: { requestId: asked.requestId, remoteAddress, remotePort }
  })
  writeJson(response, status, answer)
  return true
}

async function askDoor(
  parts: V1Parts,
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked,
  where: WirePath,
  query: WireQuery
): Promise<void> {
  const { door, connections } = parts
  if (door.sealed()) throw new BrokerError('sealed', 'Vault is sealed')
  const operation = readOperation(request.method, where, query)
  const token = readToken(request)
  const data = hasBody(request) || operation === 'patch' ? await readData(parts, request, query) : operation === 'write' ? {} : query.fields
  const { remoteAddress, remotePort, gone } = connections.peer(request.socket)
  asked.atDoor = true
  const userAgent = request.headers['user-agent']?.slice(0, userAgentCharsMax)
  const reply = await door.perform({
    id: asked.requestId,
    operation,
    path: where.path,
    data,
    token,
    remoteAddress,
    remotePort,
    userAgent,
    gone
  })
  writeReply(response, reply, where.path)
}

// It goes into the audit: Agent and Proxy write their role there.
const userAgentCharsMax = 256

const bodyMethods: ReadonlySet<string | undefined> = new Set(['POST', 'PUT', 'PATCH'])

/** The fields: of the body where one belongs, else of the query; what else is sent is read and forgotten. */
async function readData({ bodies, limits }: V1Parts, request: IncomingMessage, query: WireQuery): Promise<JsonObject> {
  if (bodyMethods.has(request.method)) return readBody(request, bodies, limits)
  if (hasBody(request)) await skipBody(request, bodies, limits)
  return query.fields
}
