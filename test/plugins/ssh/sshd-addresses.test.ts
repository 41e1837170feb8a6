/** `source-address`, at a server that listens: only there a client has an address. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { rawCertificate } from '../../targets/raw-certificate.ts'
import type { RawOption } from '../../targets/raw-certificate.ts'
import { ssh } from '../../targets/ssh-client.ts'
import { makeKey, sshdMissing } from '../../targets/sshd-programs.ts'
import { SshdServer } from '../../targets/sshd-server.ts'
import { ed25519, keyLineOf, linesOf } from '../../targets/sshd-stand.ts'

describe.skipIf(missing(sshdMissing()))('a certificate for addresses', () => {
  const ca = ed25519()
  let sshd: SshdServer
  let key: string
  let count = 0
  beforeAll(async () => {
    sshd = await SshdServer.start()
    key = join(sshd.folder, 'id')
    makeKey(key)
    writeFileSync(join(sshd.folder, 'ca.pub'), linesOf(ca))
    writeFileSync(join(sshd.folder, 'etc/ssh/sshd_config.d/ca.conf'), `TrustedUserCAKeys ${sshd.folder}/ca.pub\n`)
    process.kill(Number(readFileSync(join(sshd.folder, 'run/sshd.pid'), 'utf8')), 'SIGHUP')
    await sshd.logged(/restarting[^]*Server listening/)
  })
  afterAll(() => sshd[Symbol.asyncDispose]())

  async function isLetIn(critical: readonly RawOption[]): Promise<boolean> {
    const certificate = join(sshd.folder, `certificate-${++count}`)
    writeFileSync(certificate, `${await rawCertificate(keyLineOf(key), ca, { principals: [sshd.user], critical })}\n`)
    return (await ssh({ key, certificate, user: sshd.user, port: sshd.port })).code === 0
  }

  test.each([
    [true, '127.0.0.1/32'],
    [true, '192.0.2.0/24,127.0.0.1/32'],
    [true, '127.0.0.1'],
    [true, '127.0.0.0/8'],
    [false, '192.0.2.0/24'],
    [false, '127.0.0.1/8'],
    [false, '192.0.2.0/24, 127.0.0.1/32'],
    [false, ''],
    [false, 'localhost']
  ])('lets in %s: %s', async (isIn, addresses) => {
    expect(await isLetIn([['source-address', addresses]])).toBe(isIn)
  })
})
