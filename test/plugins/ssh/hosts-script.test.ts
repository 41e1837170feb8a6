/** What the script of a host must never do to its machine: leave it without its list, without its sshd, or trusting in a configuration that does not hold. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { findSshd, sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'
import { BadWay } from './hosts-way.ts'

const dropIn = 'etc/ssh/sshd_config.d/50-mayfly.conf'

/** As sshd writes it, or as anybody may write who can write into its log. */
const line = (more: { user?: string; serial?: string; from?: string; ca?: string; key?: string } = {}) => {
  const { user = 'root', serial = '1', from = '192.0.2.1', ca = 'A'.repeat(43), key = 'B'.repeat(43) } = more
  return `Accepted publickey for ${user} from ${from} port 22 ssh2: ED25519-CERT SHA256:${key} ID x (serial ${serial}) CA ED25519 SHA256:${ca}\n`
}

describe.skipIf(missing(sshdMissing()))('a host', () => {
  let stand: HostStand
  beforeEach(async () => {
    stand = await HostStand.open()
  })
  afterEach(() => stand[Symbol.asyncDispose]())

  const enrolled = async (...args: readonly string[]): Promise<void> =>
    expect(await stand.enroll(...args)).toMatchObject({ code: 0, stderr: expect.stringContaining('enrolled') })
  const write = (file: string, text: string): void => {
    mkdirSync(join(stand.path(file), '..'), { recursive: true })
    writeFileSync(stand.path(file), text)
  }

  test.each([
    ['whose number is another process’s by now', () => `${process.pid} 1\n`],
    ['that wrote its number alone', () => `${process.pid}\n`],
    ['that died before it had written its number', () => ''],
    ['that is long gone', () => '4194303 1\n']
  ])('does not wait for one of its kind %s', async (_, owner) => {
    await enrolled('--principals', 'names')
    write('var/lib/mayfly-host/lock/pid', owner())
    expect(await stand.run('sync')).toMatchObject({ code: 0 })
  })

  test('goes on telling of logins, whatever stands in its log between them', async () => {
    await enrolled('--principals', 'names')
    const strange = [
      line({ user: 'u'.repeat(200) }),
      line({ user: 'u'.repeat(2_000) }),
      line({ serial: '1'.repeat(40) }),
      line({ from: '1:'.repeat(100) }),
      line({ ca: 'A' }),
      line({ key: 'B'.repeat(500) }),
      `99999999999999999.0 host sshd[1]: ${line()}`
    ]
    appendFileSync(stand.sshd.logFile, strange.join(''))
    const user = await stand.certificate()
    expect(await stand.mayLogIn(user)).toBe(true)
    await stand.sshd.logged(new RegExp(`\\(serial ${user.serial}\\)`))
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    const { data } = await stand.ask('POST', 'sys/leases/lookup', { lease_id: user.lease })
    expect(data).toMatchObject({ uses: 1 })
  })

  test('that goes to another mount keeps its list until it has the other’s: without one sshd lets nobody in', async () => {
    await enrolled('--principals', 'names')
    const user = await stand.certificate()
    await stand.ask('POST', 'sys/mounts/other', { type: 'ssh' })
    await stand.ask('POST', 'other/config/ca', {})
    await stand.ask('POST', 'other/hosts/web1', {})
    const token = async () => (await stand.ask('POST', 'other/hosts/web1/token', {}))['data'].token as string
    const move = async () =>
      stand.runWith({ mayfly_token: await token() }, 'enroll', ...stand.enrolment, '--mount', 'other', '--principals', 'names')
    const list = readFileSync(stand.path('etc/ssh/mayfly/krl'))
    stand.way.instead.set('other/krl', Buffer.from('<html>'))
    expect((await move()).code).toBe(1)
    expect(readFileSync(stand.path('etc/ssh/mayfly/krl')).equals(list)).toBe(true)
    expect(await stand.mayLogIn(user)).toBe(true)
    expect((await stand.run('sync')).code).toBe(0)

    stand.way.instead.clear()
    expect(await move()).toMatchObject({ code: 0 })
    expect(readFileSync(stand.path('etc/ssh/mayfly/krl')).equals(list)).toBe(false)
    expect(await stand.mayLogIn(user)).toBe(false)
  })

  test('is not enrolled where another word in sshd’s configuration goes before, and is left as it was', async () => {
    write('etc/ssh/sshd_config.d/10-theirs.conf', 'AuthorizedPrincipalsFile /etc/ssh/theirs\n')
    const config = readFileSync(stand.sshd.configFile, 'utf8')
    expect(await stand.enroll('--principals', 'command')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'another AuthorizedPrincipalsFile comes first in the configuration of sshd; it was put back as it was'
      )
    })
    expect(existsSync(stand.path(dropIn))).toBe(false)
    expect(readFileSync(stand.sshd.configFile, 'utf8')).toBe(config)

    write('etc/ssh/sshd_config.d/10-theirs.conf', 'TrustedUserCAKeys /etc/ssh/theirs.pub\n')
    expect((await stand.enroll('--principals', 'names')).stderr).toContain('another TrustedUserCAKeys comes first')

    write('etc/ssh/sshd_config.d/10-theirs.conf', 'AuthorizedPrincipalsCommand /bin/true\nAuthorizedPrincipalsCommandUser nobody\n')
    expect((await stand.enroll('--principals', 'names')).stderr).toContain('there is an AuthorizedPrincipalsCommand')
    rmSync(stand.path('etc/ssh/sshd_config.d/10-theirs.conf'))
    await enrolled('--principals', 'names')
  })

  test('asks the broker alone, whatever comes later in sshd’s configuration', async () => {
    appendFileSync(stand.sshd.configFile, `AuthorizedPrincipalsFile ${stand.path('theirs')}\n`)
    const user = await stand.certificate()
    write('theirs', readFileSync(stand.sshd.configFile, 'utf8') && `${stand.sshd.user}\n`)
    await enrolled('--principals', 'command')
    expect(await stand.mayLogIn(user)).toBe(true)
    await stand.ask('POST', 'sys/leases/revoke', { lease_id: user.lease })
    expect(await stand.mayLogIn(user)).toBe(false)
  })

  test('keeps the mode of its configuration', async () => {
    const config = readFileSync(stand.sshd.configFile, 'utf8').replace(/^Include .*\n/m, '')
    writeFileSync(stand.sshd.configFile, config)
    chmodSync(stand.sshd.configFile, 0o600)
    await enrolled('--principals', 'names')
    expect(readFileSync(stand.sshd.configFile, 'utf8')).toBe(`Include ${stand.path(dropIn)}\n${config}`)
    expect(statSync(stand.sshd.configFile).mode & 0o777).toBe(0o600)
    expect((await stand.run('unenroll')).code).toBe(0)
    expect(readFileSync(stand.sshd.configFile, 'utf8')).toBe(config)
    expect(statSync(stand.sshd.configFile).mode & 0o777).toBe(0o600)
  })

  test('that was killed before sshd had read its new configuration lets it read it the next time', async () => {
    const bin = join(stand.folder, 'sshd-bin')
    mkdirSync(bin)
    // Ends the script once the file is there, at the next question to sshd.
    writeFileSync(
      join(bin, 'sshd'),
      `#!/bin/sh\n[ ! -f ${stand.path(dropIn)} ] || { kill -KILL "$PPID"; exit 1; }\nexec ${findSshd()} "$@"\n`,
      { mode: 0o755 }
    )
    const PATH = `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`
    const killed = await stand.runWith({ mayfly_token: await stand.token(), PATH }, 'enroll', ...stand.enrolment, '--principals', 'names')
    expect(killed.code).not.toBe(0)
    expect(existsSync(stand.path(dropIn))).toBe(true)
    expect(await stand.enrollWithout('--principals', 'names')).toMatchObject({ code: 0 })
    await stand.sshd.logged(/Received SIGHUP/)
    expect(await stand.mayLogIn(await stand.certificate())).toBe(true)
  })

  test('whose sshd would refuse the new configuration never has it in its place', async () => {
    const bin = join(stand.folder, 'sshd-bin')
    mkdirSync(bin)
    // An sshd of long ago, which does not know a word of it.
    writeFileSync(
      join(bin, 'sshd'),
      `#!/bin/sh\n[ ! -f ${stand.path(dropIn)} ] || touch ${stand.path('was-there')}\necho "Bad configuration option" >&2\nexit 255\n`,
      { mode: 0o755 }
    )
    const PATH = `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`
    const { code, stderr } = await stand.runWith(
      { mayfly_token: await stand.token(), PATH },
      'enroll',
      ...stand.enrolment,
      '--principals',
      'names'
    )
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('sshd refuses the configuration: Bad configuration option; nothing was changed')
    ])
    expect(existsSync(stand.path('was-there'))).toBe(false)
  })

  test('enrols at a broker with a CA of its own, with what it was sent of it, and keeps that', async () => {
    const [key, cert] = ['broker.key', 'broker.pem'].map(file => join(stand.folder, file)) as [string, string]
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=broker']
    execFileSync('openssl', [...words, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' })
    await using way = await BadWay.open(stand.broker.address, { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') })
    const enroll = ['enroll', ...stand.enrolment, '--address', way.address, '--principals', 'names']
    const sent = { mayfly_token: await stand.token(), mayfly_ca: readFileSync(cert, 'utf8').trim() }
    expect(await stand.runWith(sent, ...(enroll as [string, ...string[]]))).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('enrolled')
    })
    expect(readFileSync(stand.path('etc/ssh/mayfly/broker-ca.pem'), 'utf8')).toBe(readFileSync(cert, 'utf8'))
    rmSync(cert)
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    // And a second time without it.
    const { mayfly_ca } = sent
    expect(await stand.runWith({ mayfly_ca }, ...(enroll as [string, ...string[]]))).toMatchObject({ code: 0 })
  })

  test('says that it ends sessions only where it can see who is in', async () => {
    await enrolled('--principals', 'names')
    expect((await stand.ask('GET', 'ssh/hosts/web1'))['data']).toMatchObject({ ends_sessions: true })
    const settings = stand.path('etc/ssh/mayfly/settings')
    writeFileSync(settings, readFileSync(settings, 'utf8').replace(/^log .*$/m, `log ${stand.path('var/log/nothing')}`))
    expect((await stand.run('sync')).stderr).toContain('sessions of revoked certificates go on')
    expect((await stand.ask('GET', 'ssh/hosts/web1'))['data']).toMatchObject({ ends_sessions: false })
  })
})
