/** The one writer of bodies, and the only place where a `Secret` is revealed.
 *
 *  Express' own `json` and `send` put a charset behind the content type (hvac compares the string), and an ETag computed from the secret into a header, with a 304 where a
 *  fresh credential was asked. So: exact headers, one `end`, nothing else. */
import type { ServerResponse } from 'node:http'
import type { Reply } from '../broker/door/request.ts'
import { Secret } from '../contracts/index.ts'
import type { JsonObject } from '../contracts/index.ts'
import { isDoubled } from './doubled.ts'
import { ignoredHeader } from './ignored-header.ts'
import { hasBody } from './read-body.ts'
import { linger } from './linger.ts'

/** `path`: below `/v1/`; some replies have their keys twice. */
export function writeReply(response: ServerResponse, reply: Reply, path: string): void {
  if (reply.raw) return writeRaw(response, reply.status, reply.raw)
  if (reply.status === 204 || isEmpty(reply)) return write(response, reply.status, json, '', ignoredHeader(reply.ignored))
  writeJson(response, reply.status, envelope(reply, path))
}

/** 304 to who has these very bytes. The tag is the backend's own word on them, never computed from a body. */
function writeRaw(response: ServerResponse, status: number, { type, body, etag }: NonNullable<Reply['raw']>): void {
  if (etag === undefined) return write(response, status, type, body)
  const tag = ['ETag', `"${etag}"`]
  if (!hasTag(response.req.headers['if-none-match'], etag)) return write(response, status, type, body, tag)
  write(response, 304, type, '', tag)
}

/** RFC 9110 section 13.1.2: a list of tags, each weak or strong, or any. */
function hasTag(asked: string | undefined, etag: string): boolean {
  return asked?.split(',').some(tag => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === `"${etag}"`) ?? false
}

/** "Accepted" with nothing to say has no body, as a 204 has none. */
function isEmpty({ status, data, warnings }: Reply): boolean {
  return status === 202 && data === undefined && warnings === undefined
}

/** A body without the envelope. */
export function writeJson(response: ServerResponse, status: number, body: JsonObject): void {
  write(response, status, json, `${JSON.stringify(body)}\n`)
}

/** `more`: names and values in turn. */
export function writeErrors(response: ServerResponse, status: number, errors: readonly string[], more: readonly string[] = []): void {
  write(response, status, json, errors.length === 0 ? '{"errors":[]}\n' : `${JSON.stringify({ errors })}\n`, more)
}

export function redirect(response: ServerResponse, location: string): void {
  write(response, 307, json, '', ['Location', location])
}

// Without a charset, on errors and on 204 too.
const json = 'application/json'

/** Eight keys, always all of them. */
function envelope(reply: Reply, path: string): JsonObject {
  const { lease, auth, warnings } = reply
  const data = reply.data instanceof Secret ? reply.data.reveal() : reply.data
  return {
    ...(data && isDoubled(path) ? data : {}),
    request_id: reply.wrapInfo ? '' : reply.requestId,
    lease_id: lease?.id ?? '',
    renewable: lease?.renewable ?? false,
    lease_duration: lease?.seconds ?? 0,
    data: data ?? null,
    wrap_info: reply.wrapInfo ? { ...reply.wrapInfo.reveal() } : null,
    warnings: warnings && warnings.length > 0 ? warnings : null,
    auth: auth ? { ...auth.reveal() } : null
  }
}

function write(response: ServerResponse, status: number, type: string, body: string | Uint8Array, more: readonly string[] = []): void {
  if (response.headersSent || response.destroyed) return
  // A reply that a browser is led to stays what it says that it is: errors name what was asked.
  const headers = ['Content-Type', type, 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff', ...more]
  const { req } = response
  if ('encrypted' in req.socket) headers.push('Strict-Transport-Security', 'max-age=31536000')
  if (status !== 204 && status !== 304)
    headers.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length))
  if (req.complete || !hasBody(req)) return void response.writeHead(status, headers).end(body)
  response.writeHead(status, [...headers, 'Connection', 'close']).write(body)
  linger(req, response)
}
