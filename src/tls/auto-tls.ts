/** `tls: auto`: a private CA of this broker, and a server certificate below it that renews itself.
 *
 *    <data>/tls/ca.pem       what clients trust: MAYFLY_CACERT, or beside the system's roots
 *    <data>/tls/ca.key       0600. May be taken away and kept elsewhere: then the certificate is not renewed until it is back
 *    <data>/tls/server.pem   0600: key and certificate in one file, which is replaced as a whole, so a crash never leaves a pair that does not match */
import { X509Certificate, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerError } from '../contracts/index.ts'
import type { Random } from '../contracts/index.ts'
import { certificate } from './certificate.ts'

export interface AutoTlsOptions {
  /** The data folder. */
  readonly folder: string
  /** DNS names and IP addresses at which clients reach this broker. */
  readonly names: readonly string[]
  readonly now: Temporal.Instant
  readonly random: Random
}

export interface AutoTls {
  /** PEM: the server's certificate with the CA's below it. */
  readonly cert: string
  readonly key: string
  readonly caFile: string
  /** SHA-256 of the CA's certificate: what an operator compares by voice. */
  readonly caFingerprint: string
  readonly expiresAt: Temporal.Instant
  /** Made by this call. */
  readonly isNew: boolean
}

// Clients keep the CA for years; the server's own certificate is cheap, and the shorter it lives the less a stolen key is worth.
const caDays = 3_650
const serverDays = 30
const renewDaysBefore = 10
const clockSkew = Temporal.Duration.from({ hours: 1 })

/** What is there, made or renewed where it must be. Called at start and once an hour. */
export function autoTls(options: AutoTlsOptions): AutoTls {
  const folder = join(options.folder, 'tls')
  makeFolder(folder)
  const ca = authority(folder, options)
  const present = readServer(folder, ca, options)
  const server = present ?? makeServer(folder, ca, options)
  return {
    cert: server.cert + ca.pem,
    key: server.key,
    caFile: join(folder, 'ca.pem'),
    caFingerprint: new X509Certificate(ca.pem).fingerprint256,
    expiresAt: end(new X509Certificate(server.cert)),
    isNew: !present
  }
}

interface Authority {
  readonly pem: string
  /** Absent where the operator keeps it elsewhere. */
  readonly privateKey: KeyObject | undefined
}

const caName = 'Mayfly private CA'

/** The key first: a crash between the two leaves a key without certificate, for which one is made. */
function authority(folder: string, { now, random }: AutoTlsOptions): Authority {
  const [keyFile, certFile] = [join(folder, 'ca.key'), join(folder, 'ca.pem')]
  const pem = read(certFile)
  const keyPem = read(keyFile)
  if (pem !== undefined) {
    const ca = parsed(certFile, () => new X509Certificate(pem))
    const privateKey = keyPem === undefined ? undefined : parsed(keyFile, () => createPrivateKey(keyPem))
    if (privateKey && !ca.checkPrivateKey(privateKey)) throw mistake(keyFile, 'is not the key of ca.pem')
    return { pem, privateKey }
  }
  const privateKey = keyPem === undefined ? newKey() : parsed(keyFile, () => createPrivateKey(keyPem))
  if (keyPem === undefined) write(keyFile, pkcs8(privateKey), 0o600)
  const publicKey = createPublicKey(privateKey)
  const made = certificate({
    subject: caName,
    issuer: caName,
    publicKey,
    issuerKeys: { publicKey, privateKey },
    serial: random.bytes(16),
    from: now.subtract(clockSkew),
    until: now.add({ hours: 24 * caDays })
  })
  write(certFile, made, 0o644)
  return { pem: made, privateKey }
}

interface ServerFile {
  readonly cert: string
  readonly key: string
}

/** Nothing when it is not there, cannot be read, ends soon, names somebody else, was made by another CA or by a clock that was ahead: it is ours to make again. */
function readServer(folder: string, ca: Authority, { now, names }: AutoTlsOptions): ServerFile | undefined {
  const text = read(join(folder, 'server.pem'))
  const [key, cert] = [block(text, 'PRIVATE KEY'), block(text, 'CERTIFICATE')]
  const found = cert === undefined ? undefined : readable(() => new X509Certificate(cert))
  const privateKey = key === undefined ? undefined : readable(() => createPrivateKey(key))
  if (!key || !cert || !found || !privateKey) return undefined
  const fits = found.checkPrivateKey(privateKey) && found.verify(new X509Certificate(ca.pem).publicKey) && sameNames(found, names)
  const fresh = Temporal.Instant.compare(end(found).subtract({ hours: 24 * renewDaysBefore }), now) > 0
  const begun = found.validFromDate.getTime() <= now.epochMilliseconds
  if (fits && begun && fresh) return { key, cert }
  const stillGood = fits && Temporal.Instant.compare(end(found), now) > 0
  return !ca.privateKey && stillGood ? { key, cert } : undefined
}

function makeServer(folder: string, ca: Authority, { now, random, names }: AutoTlsOptions): ServerFile {
  if (!ca.privateKey) throw mistake(join(folder, 'ca.key'), 'is not there, and the server certificate must be renewed with it')
  const issuer = new X509Certificate(ca.pem)
  const caEnd = end(issuer)
  if (Temporal.Instant.compare(caEnd, now) <= 0)
    throw mistake(join(folder, 'ca.pem'), 'has expired: move ca.pem and ca.key away, start again, and give the new ca.pem to the clients')
  const privateKey = newKey()
  const wished = now.add({ hours: 24 * serverDays })
  const cert = certificate({
    subject: names[0] ?? 'mayfly',
    issuer: caName,
    publicKey: createPublicKey(privateKey),
    issuerKeys: { publicKey: issuer.publicKey, privateKey: ca.privateKey },
    serial: random.bytes(16),
    from: now.subtract(clockSkew),
    until: Temporal.Instant.compare(wished, caEnd) < 0 ? wished : caEnd,
    names
  })
  const key = pkcs8(privateKey)
  write(join(folder, 'server.pem'), key + cert, 0o600)
  return { key, cert }
}

function sameNames(found: X509Certificate, names: readonly string[]): boolean {
  return names.every(name => found.checkHost(name, { subject: 'never' }) !== undefined || found.checkIP(name) !== undefined)
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' })
const end = (cert: X509Certificate): Temporal.Instant => Temporal.Instant.fromEpochMilliseconds(cert.validToDate.getTime())

function block(text: string | undefined, label: string): string | undefined {
  return new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\\n`).exec(text ?? '')?.[0]
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw mistake(folder, `cannot be made (${codeOf(cause)})`, cause)
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw mistake(file, `cannot be read (${codeOf(cause)})`, cause)
  }
}

/** Whole and on the disk, or as before. */
function write(file: string, text: string, mode: number): void {
  try {
    const beside = `${file}.new`
    writeFileSync(beside, text, { mode, flush: true })
    renameSync(beside, file)
    const folder = openSync(join(file, '..'), 'r')
    fsyncSync(folder)
    closeSync(folder)
  } catch (cause) {
    throw mistake(file, `cannot be written (${codeOf(cause)})`, cause)
  }
}

function readable<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw mistake(file, 'is not PEM that can be read', cause)
  }
}

function mistake(file: string, what: string, cause?: unknown): BrokerError {
  return new BrokerError('invalid_request', `listener.tls: ${file} ${what}`, { cause })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'failed'
}
