import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { isCertificateRevoked } from '../../../plugins/ssh/format/krl-check.ts'
import { parseKrl } from '../../../plugins/ssh/format/parse-krl.ts'
import { parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import type { Certificate } from '../../../plugins/ssh/format/certificate.ts'
import { publicPart } from '../../../plugins/ssh/format/key-object.ts'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { mintPoints } from '../../../src/broker/crash-point.ts'
import { atFirstPass } from '../moment.ts'
import type { Moment } from '../moment.ts'
import { Stand } from '../stand.ts'
import type { CrashSuite, Deaths } from '../suite.ts'

const clients = 4
// For the sweeper of a busy machine.
const listedLimitMs = 20_000
const lookMs = 250

interface Signed {
  readonly lease: string
  readonly certificate: Certificate
  /** Its revocation was answered. */
  ended: boolean
}

/** Signing and revoking, and what left the broker before it died. */
class Certificates implements Deaths {
  readonly stand: Stand
  readonly #signed = new Map<bigint, Signed>()
  readonly #twice: bigint[] = []
  readonly #key = writeKeyLine(publicPart(generateKeyPairSync('ed25519').publicKey))

  private constructor(stand: Stand) {
    this.stand = stand
  }

  static async open(): Promise<Certificates> {
    const stand = await Stand.prepared(async ({ api }) => {
      await api.must('POST', 'sys/mounts/ssh', { type: 'ssh' })
      await api.must('POST', 'ssh/config/ca', {})
      const role = { key_type: 'ca', allow_user_certificates: true, allowed_users: 'deploy', default_user: 'deploy', ttl: '10h' }
      await api.must('POST', 'ssh/roles/app', role)
    })
    return new Certificates(stand)
  }

  get answered(): number {
    return this.#signed.size
  }

  die(moment: Moment): Promise<boolean> {
    return this.stand.death(moment, {
      drive: gone => Promise.all(Array.from({ length: clients }, (_, client) => this.#client(client, gone)))
    })
  }

  async #client(client: number, gone: AbortSignal): Promise<void> {
    for (let turn = client; !gone.aborted; turn++) {
      try {
        const signed = await this.#sign()
        if (turn % 4 === 0) await this.#revoke(signed)
      } catch {
        // The broker is dying: that is what this is about.
        await wait(20)
      }
    }
  }

  async #sign(): Promise<Signed> {
    const { lease_id: lease, data } = await this.stand.api.must('POST', 'ssh/sign/app', { public_key: this.#key })
    const certificate = parseCertificateLine(data.signed_key)
    if (this.#signed.has(certificate.serial)) this.#twice.push(certificate.serial)
    const signed = { lease, certificate, ended: false }
    this.#signed.set(certificate.serial, signed)
    return signed
  }

  async #revoke(signed: Signed): Promise<void> {
    await this.stand.api.must('PUT', 'sys/leases/revoke', { lease_id: signed.lease })
    signed.ended = true
  }

  async broken(): Promise<readonly string[]> {
    await using broker = await this.stand.started()
    // The first certificate of a run says which serials it has passed over.
    await this.#sign()
    const signed = [...this.#signed.values()]
    const until = Date.now() + listedLimitMs
    while (Date.now() < until && (await this.#off(signed)).length > 0) await wait(lookMs)
    const unknown: Signed[] = []
    for (const one of signed) if (!(await this.#known(one))) unknown.push(one)
    const broken = [
      ...this.#twice.map(serial => `a serial twice: ${serial}`),
      ...unknown.map(({ certificate }) => `a certificate without a lease: ${certificate.serial}`),
      ...(await this.#off(signed)).map(({ certificate }) => `revoked and not on the list: ${certificate.serial}`),
      ...(await this.#on(signed)).map(({ certificate }) => `on the list and never revoked: ${certificate.serial}`)
    ]
    await broker.stop()
    return broken
  }

  async #known({ lease, certificate }: Signed): Promise<boolean> {
    const { status, body } = await this.stand.api.ask('GET', `ssh/certs/default/${certificate.serial}`)
    return status === 200 && body.data.lease_id === lease
  }

  async #off(signed: readonly Signed[]): Promise<readonly Signed[]> {
    const krl = await this.#list()
    return signed.filter(({ ended, certificate }) => ended && !(krl && isCertificateRevoked(krl, certificate)))
  }

  /** One whose revocation died with the broker may be on the list all the same: it is known by its lease. */
  async #on(signed: readonly Signed[]): Promise<readonly Signed[]> {
    const krl = await this.#list()
    const listed = signed.filter(({ ended, certificate }) => !ended && krl && isCertificateRevoked(krl, certificate))
    const wrong: Signed[] = []
    for (const one of listed) {
      const { body } = await this.stand.api.ask('GET', `ssh/certs/default/${one.certificate.serial}`)
      if (body?.data?.state === 'active') wrong.push(one)
    }
    return wrong
  }

  async #list() {
    const reply = await fetch(`${this.stand.api.address}/v1/ssh/krl`)
    return reply.ok ? parseKrl(Buffer.from(await reply.arrayBuffer())) : undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stand[Symbol.asyncDispose]()
  }
}

export const certificates: CrashSuite = {
  name: 'certificates',
  holds: 'no certificate without its lease, no serial twice, everything revoked on the list and nothing else',
  moments: atFirstPass(mintPoints),
  passesMax: 7,
  deathsPerLook: 5,
  open: () => Certificates.open()
}
