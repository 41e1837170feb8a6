/** Where clients connect: HTTP/1.1, plain or over TLS. `/v1/` goes to its one handler, everything else to the shell. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { Server as TlsServer } from 'node:tls'
import type { Life } from '../broker/life/life.ts'
import type { Log } from '../contracts/index.ts'
import { answerClientErrors } from './client-error.ts'
import { Connections } from './connections.ts'
import { doorOf } from './door.ts'
import type { Door } from './door.ts'
import { letListIn } from './let-list-in.ts'
import { wireLimits } from './limits.ts'
import type { Limits } from './limits.ts'
import { BodyRoom } from './read-body.ts'
import { prefix } from './read-path.ts'
import { RefusalCount } from './refusal-count.ts'
import { shell } from './shell.ts'
import { tlsOptions } from './tls-options.ts'
import type { Pems } from './tls-options.ts'
import { answerV1 } from './v1.ts'
import type { V1Parts } from './v1.ts'
import { writeErrors } from './wire.ts'

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly tls?: Pems
  readonly limits?: Limits
  readonly log: Log
}

export interface Listener extends AsyncDisposable {
  readonly address: string
  readonly port: number
  /** New connections get the new certificate. Throws when it cannot be used; the old one stays. */
  reloadTls(pems: Pems): void
  /** Accepts nobody new, lets what is under way finish, and ends it after `graceMs`. */
  close(graceMs: number): Promise<void>
}

export function listen(life: Life, options: ListenOptions): Promise<Listener> {
  return listenAt(doorOf(life), options)
}

export async function listenAt(door: Door, options: ListenOptions): Promise<Listener> {
  const limits = options.limits ?? wireLimits
  const server = createHttpServer(options.tls, limits)
  const connections = new Connections(server, limits.connectionsMax)
  const refusals = new RefusalCount(options.log)
  letListIn(server, options.tls ? 'secureConnection' : 'connection')
  answerClientErrors(server, connections, refusals.add)
  answerRequests(server, {
    door,
    log: options.log,
    limits,
    connections,
    bodies: new BodyRoom(limits.bodiesBytesMax),
    refused: refusals.add
  })
  await bind(server, options)
  const { address, port } = server.address() as AddressInfo
  const close = async (graceMs: number): Promise<void> => {
    using _ = refusals
    await drain(server, connections, graceMs)
  }
  return { address, port, reloadTls: pems => reload(server, pems), close, [Symbol.asyncDispose]: () => close(0) }
}

function createHttpServer(tls: Pems | undefined, limits: Limits): Server {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkEveryMs
  }
  const server = tls ? createTlsServer({ ...options, ...tlsOptions(tls), handshakeTimeout: limits.handshakeMs }) : createServer(options)
  server.timeout = limits.stalledMs
  server.maxRequestsPerSocket = limits.requestsPerConnectionMax
  // One more than allowed, so that there is one too many to see.
  server.maxHeadersCount = limits.headersMax + 1
  return server
}

function answerRequests(server: Server, parts: V1Parts): void {
  const elsewhere = shell()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    parts.connections.asked(request, response)
    const target = request.url ?? ''
    if (request.rawHeaders.length > parts.limits.headersMax * 2) refuse(parts, response, 431, 'too many headers')
    else if (target.startsWith(prefix)) void answerV1(parts, request, response)
    else if (target.startsWith('/')) elsewhere(request, response)
    // `GET http://elsewhere/v1/x`: the host of such a target would overrule the real one.
    else refuse(parts, response, 400, 'malformed request target')
  })
}

function refuse(parts: V1Parts, response: ServerResponse, status: number, why: string): void {
  parts.refused()
  writeErrors(response, status, [why])
}

function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function reload(server: Server, pems: Pems): void {
  const options = tlsOptions(pems)
  createSecureContext(options)
  ;(server as unknown as TlsServer).setSecureContext(options)
}

async function drain(server: Server, connections: Connections, graceMs: number): Promise<void> {
  const closed = new Promise<void>(resolve => void server.close(() => resolve()))
  connections.close()
  const timer = setTimeout(() => connections.destroyAll(), graceMs)
  await closed
  clearTimeout(timer)
}
