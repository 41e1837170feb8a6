import { isIP } from 'node:net'
import { BrokerError, isForbiddenAddress } from 'mayfly/plugin'

export type Place = {
  readonly host: string
  readonly port: number
}

// Below lie the ports of other services: a connection must not be a way to knock at them.
const portMin = 1024
const hostsMax = 8

/** `h1:5432,h2,[::1]:5433` as in the authority of a URL. */
export function readAuthority(field: string, text: string, defaultPort: number): readonly Place[] {
  return text.split(',').map(part => {
    const found = /^(\[[0-9A-Fa-f:.%]+\]|[^:[\]]*)(?::(.*))?$/.exec(part)
    if (!found) throw refusal(field, 'not a host')
    return readPlace(field, (found[1] ?? '').replaceAll(/[[\]]/g, ''), found[2] ?? '', defaultPort)
  })
}

/** Hosts in order, with one port for all or one each, as libpq reads them. */
export function readHosts(field: string, hosts: readonly string[], ports: readonly string[], defaultPort: number): readonly Place[] {
  if (ports.length > 1 && ports.length !== hosts.length) throw refusal('port', `one, or as many as hosts`)
  return hosts.map((host, index) => readPlace(field, host, ports[index] ?? ports[0] ?? '', defaultPort))
}

export function checkedPlaces(field: string, places: readonly Place[]): readonly Place[] {
  if (places.length === 0) throw refusal(field, 'no host')
  if (places.length > hostsMax) throw refusal(field, `more than ${hostsMax} hosts`)
  return places
}

/** As in a URL. */
export function authority(places: readonly Place[]): string {
  return places.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
}

function readPlace(field: string, host: string, port: string, defaultPort: number): Place {
  return { host: readHost(field, host.trim()), port: port.trim() === '' ? defaultPort : readPort(port) }
}

function readHost(field: string, host: string): string {
  if (host === '') throw refusal(field, 'no host')
  if (/^[/@.]|\\/.test(host) || host.includes('/')) throw refusal(field, 'sockets and paths are not taken, only host names and addresses')
  if (isIP(host) === 0 && !/^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?$/.test(host))
    throw refusal(field, 'not a host name or address')
  const name = host.toLowerCase().replace(/\.$/, '')
  if (isForbiddenAddress(name) || /^metadata(\.google\.internal|\.goog)?$|^instance-data(\.|$)/.test(name))
    throw refusal(field, 'a link-local, metadata or multicast address is not taken')
  return name
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Number.NaN
  if (Number.isNaN(port) || port > 65_535) throw refusal('port', 'not a port')
  if (port < portMin) throw refusal('port', `ports below ${portMin} belong to other services and are not taken`)
  return port
}

const refusal = (field: string, why: string) => new BrokerError('invalid_request', `${field}: ${why}`)
