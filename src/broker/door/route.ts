import { BrokerError } from '../../contracts/index.ts'
import type { Answer, AuthRequest, LoginStorage, Operation, Path, PathRequest, z } from '../../contracts/index.ts'
import { listed } from './authorize.ts'
import type { Guarded } from './authorize.ts'
import type { Call } from './core-path.ts'
import type { Mount } from '../mounts/mount.ts'
import type { LoginAnswer } from '../login/login.ts'
import { loginStorage } from '../login/login-storage.ts'
import { endLeasesOfMount } from '../leases/end-leases.ts'
import { mountStorage } from '../mounts/mount-storage.ts'
import type { Parts } from '../parts.ts'
import { serves } from './router.ts'
import { afterTask } from '../sweep/task-wait.ts'
import type { Match } from './router.ts'
import type { Outcome, WireRequest } from './request.ts'

// For an answer or a plan, which may look at the target (to try a connection that is being written). Below every client's own time-out.
const answerMsMax = 25_000

export interface Route extends Guarded {
  readonly mount: Mount | undefined
  readonly open: boolean
  /** What it answers without a change is counted. */
  readonly counted?: boolean
  /** What answers, or the refusal: `no_route`, 404 `unsupported path`, 405. Only after the policy has decided. */
  serve(operation: Operation): Served
}

export interface Served {
  readonly fields: z.ZodObject
  readonly params: Readonly<Record<string, string>>
  handle(call: Call): Promise<Outcome | LoginAnswer | Extract<Answer, { issue: unknown }>>
}

/** Nobody need say who he is: an open path without a token. Of an auth method with one too, because who logs in may hold an old one. */
export function isForAnyone(parts: Parts, request: WireRequest): boolean {
  if (request.token !== undefined && !request.path.startsWith('auth/')) return false
  const { open, mount } = route(parts, request)
  return open && (request.token === undefined || mount?.kind === 'auth')
}

export function route(parts: Parts, request: WireRequest): Route {
  const found = parts.mounts.at(request.path)
  if (!found) return nowhere(request)
  const { mount, rest } = found
  const asked: Operation = request.operation === 'write' || request.operation === 'patch' ? 'update' : request.operation
  if (mount.kind === 'broken') return broken(mount)
  const match = mount.router.match(rest, asked) as Match<Path> | undefined
  if (!match) return { mount, open: false, sudo: false, exists: undefined, serve: () => refuse('no_route', 'unsupported path') }
  return {
    mount,
    open: match.path.open === true,
    counted: match.path.open === true && match.path.counted === true,
    sudo: match.path.sudo === true,
    ...canonical(mount, match.path, rest),
    exists: existence(parts, request, mount, match, rest),
    serve: operation => serve(parts, mount, match, rest, operation)
  }
}

function canonical({ record }: Mount, { caseless }: Path, rest: string): Pick<Route, 'canonical'> {
  return caseless ? { canonical: record.path + rest.toLowerCase() } : {}
}

function serve(parts: Parts, mount: Mount, match: Match<Path>, rest: string, operation: Operation): Served {
  if (!serves(match.path, operation)) return refuse('unsupported_operation', 'unsupported operation')
  const verb = operation === 'create' || operation === 'update' ? 'write' : operation
  return {
    fields: match.path.fields,
    params: match.params,
    handle: async call => {
      // The tables differ in what their handlers are given; `mount.kind` says which this is.
      const handler = match.path[verb] as unknown as (...args: unknown[]) => Promise<Answer>
      if (mount.kind === 'core') return (await handler(call)) as Outcome
      using deadline = parts.clock.within(answerMsMax, call.signal)
      if (mount.kind === 'auth')
        return (await handler(...authHandlerArguments(call, mount, rest), deadline.signal)) as Outcome | LoginAnswer
      const storage = mountStorage(parts, mount.record.uuid, intention => call.change(intention))
      const answer = await handler(pathRequest(call, mount, rest), storage, deadline.signal)
      if (answer && 'after' in answer) return afterTask(parts, mount.record.uuid, answer.after, call.signal)
      return answer && 'revoke' in answer ? await endLeasesOfMount(call, mount.record.uuid, answer) : answer
    }
  }
}

function authHandlerArguments(call: Call, mount: Mount, rest: string): readonly [AuthRequest, LoginStorage] {
  const request = { ...pathRequest(call, mount, rest), remoteAddress: call.request.remoteAddress }
  return [request, loginStorage(call.parts, mount.record.uuid, intention => call.change(intention))]
}

function pathRequest(call: Call, { record }: Mount, path: string): PathRequest {
  const { operation, params, fields, given, lease, identity } = call
  const { displayName = '', accessor = '', entity = '', meta, authMount } = identity.token ?? {}
  const login = authMount === undefined ? undefined : call.parts.mounts.byUuid(authMount)?.record.accessor
  return {
    operation,
    path,
    params,
    fields,
    given,
    lease,
    // Whoever makes a token writes into it what they like: only what a login gave says who somebody is.
    caller: {
      displayName,
      accessor,
      entity,
      metadata: authMount === undefined ? {} : (meta ?? {}),
      ...(login === undefined ? {} : { authAccessor: login })
    },
    ttls: call.parts.mounts.ttls(record)
  }
}

function existence(parts: Parts, request: WireRequest, mount: Mount, match: Match<Path>, rest: string): Guarded['exists'] {
  const { exists } = match.path
  if (!exists) return undefined
  const seen = {
    operation: 'update',
    params: match.params,
    path: rest,
    fields: {},
    given: new Set<string>(),
    request,
    parts
  } as unknown as PathRequest
  return () =>
    exists(
      seen,
      mountStorage(parts, mount.record.uuid, () => undefined)
    )
}

function nowhere(request: WireRequest): Route {
  const serve = (): Served => {
    throw new BrokerError('no_route', `no handler for route "${request.path}". route entry not found.`)
  }
  return { mount: undefined, open: false, sudo: false, exists: undefined, serve }
}

function broken(mount: Extract<Mount, { kind: 'broken' }>): Route {
  const serve = (): Served => {
    throw new BrokerError('target_unreachable', `the mount ${mount.record.path} does not serve: ${mount.why}`)
  }
  return { mount, open: false, sudo: false, exists: undefined, serve }
}

function refuse(code: 'no_route' | 'unsupported_operation', message: string): never {
  throw new BrokerError(code, listed(message))
}
