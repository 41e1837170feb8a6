/** A host where no log of sshd is to be seen: PAM tells of sessions, and they end as everywhere. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'
import type { UserCertificate } from './hosts-stand.ts'

const pamFile = 'etc/pam.d/sshd'
// After the line with which sshd includes this folder.
const usePam = 'etc/ssh/sshd_config.d/60-pam.conf'
const before = '@include common-auth\n@include common-session\n'

const told = ({ certificate = '' }: UserCertificate) => ({ SSH_AUTH_INFO_0: `publickey ${readFileSync(certificate, 'utf8').trim()}\n` })

describe.skipIf(missing(sshdMissing()))('a host where PAM tells of sessions', () => {
  let stand: HostStand
  const sessions: ChildProcess[] = []

  /** As PAM calls it: a child of the sshd of one session, which is a process that lasts as long. */
  const begin = (env: Readonly<Record<string, string>>): ChildProcess => {
    const sshd = spawn('sh', ['-c', `sh ${stand.path('usr/libexec/mayfly-session')}; echo ready; exec sleep 1000`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: '/usr/bin:/bin', PAM_TYPE: 'open_session', PAM_USER: 'deploy', PAM_RHOST: '192.0.2.7', ...env }
    })
    sessions.push(sshd)
    return sshd
  }
  const begun = async (env: Readonly<Record<string, string>>): Promise<ChildProcess> => {
    const sshd = begin(env)
    await new Promise(resolve => sshd.stdout?.once('data', resolve))
    return sshd
  }
  const notes = (): readonly string[] => readdirSync(stand.path('var/lib/mayfly-host/pam'))

  beforeAll(async () => {
    stand = await HostStand.open()
    mkdirSync(stand.path('etc/pam.d'), { recursive: true })
    writeFileSync(stand.path(pamFile), before)
    expect(await stand.enroll('--log', 'pam')).toMatchObject({ code: 1, stderr: expect.stringContaining('--log pam: needs') })
    writeFileSync(stand.path(usePam), 'UsePAM yes\n')
    expect(await stand.enroll('--principals', 'names', '--log', 'pam')).toMatchObject({ code: 0 })
  })
  afterEach(() => sessions.splice(0).forEach(sshd => sshd.kill()))
  afterAll(() => stand[Symbol.asyncDispose]())

  test('has one line more in the configuration of PAM, before all that may change the environment, however often it enrols', async () => {
    const line = `session optional pam_exec.so quiet type=open_session ${stand.path('usr/libexec/mayfly-session')}\n`
    expect(readFileSync(stand.path(pamFile), 'utf8')).toBe(`${line}${before}`)
    writeFileSync(stand.path(pamFile), `${before}${line}`)
    expect(await stand.enrollWithout('--principals', 'names', '--log', 'pam')).toMatchObject({ code: 0 })
    expect(readFileSync(stand.path(pamFile), 'utf8')).toBe(`${line}${before}`)
    expect((await stand.ask('GET', 'ssh/hosts/web1'))['data']).toMatchObject({ ends_sessions: true })
  })

  test('tells of a login and its end, and ends what is revoked, and nothing else', async () => {
    const [revoked, other] = [await stand.certificate(), await stand.certificate()]
    const [ending, staying, over] = [await begun(told(revoked)), await begun(told(other)), await begun(told(other))]
    over.kill()
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    expect(notes()).toEqual([])
    const used = async ({ lease }: UserCertificate) => (await stand.ask('POST', 'sys/leases/lookup', { lease_id: lease }))['data']
    expect(await used(revoked)).toMatchObject({ uses: 1, seen_from: ['192.0.2.7'] })
    expect(await used(other)).toMatchObject({ uses: 2 })

    const ended = new Promise(resolve => ending.once('exit', (_, signal) => resolve(signal)))
    await stand.ask('POST', 'sys/leases/revoke', { lease_id: revoked.lease })
    // It does not look for sshd's name: that a process is this one, its number and the time of its start say.
    await expect
      .poll(() => stand.run('sync').then(({ stderr }) => stderr), { timeout: 20_000 })
      .toContain(`certificate ${revoked.serial} of`)
    expect(await ended).toBe('SIGTERM')
    expect(staying.exitCode).toBe(null)
    await expect.poll(() => stand.leaseStatus(revoked), { timeout: 20_000 }).toBe(400)
  })

  test('is told nothing by a login without a certificate, and nothing that breaks out', async () => {
    await begun({ SSH_AUTH_INFO_0: 'publickey ssh-ed25519 AAAA\n' })
    await begun({})
    await begun({ ...told(await stand.certificate()), PAM_TYPE: 'close_session' })
    expect(notes()).toEqual([])
    const user = await stand.certificate()
    await begun({ ...told(user), PAM_USER: 'ro"ot\n$(reboot) x', PAM_RHOST: '$(reboot)' })
    await begun({ SSH_AUTH_INFO_0: 'publickey ssh-ed25519-cert-v01@openssh.com garbage\n' })
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    expect((await stand.ask('POST', 'sys/leases/lookup', { lease_id: user.lease }))['data']).toMatchObject({ uses: 1, seen_from: [] })
  })

  test.each([
    ['its line is gone', pamFile, before],
    ['its line is a comment', pamFile, `${before}#session optional pam_exec.so quiet type=open_session /usr/libexec/mayfly-session\n`],
    ['sshd does not ask PAM', usePam, 'UsePAM no\n']
  ])('says that it ends no sessions once %s', async (_, file, text) => {
    const was = readFileSync(stand.path(file))
    writeFileSync(stand.path(file), text.replace('/usr', stand.path('usr')))
    expect((await stand.run('sync')).stderr).toContain('sessions of revoked certificates go on')
    expect((await stand.ask('GET', 'ssh/hosts/web1'))['data']).toMatchObject({ ends_sessions: false })
    expect((await stand.run('status')).stdout).toContain('told by pam, which is not to be seen: nobody ends them')
    writeFileSync(stand.path(file), was)
    expect(await stand.run('sync')).toMatchObject({ code: 0, stderr: '' })
    expect((await stand.ask('GET', 'ssh/hosts/web1'))['data']).toMatchObject({ ends_sessions: true })
  })

  test('leaves no piece of a configuration behind, where a disk is full', async () => {
    const bin = join(stand.folder, 'full')
    mkdirSync(bin)
    // As grep does there: it has written something, and says 2.
    const full = '#!/bin/sh\ncase $1 in -vF | -vxF) echo "# a piece"; exit 2 ;; esac\nexec /usr/bin/env -i PATH=/usr/bin:/bin grep "$@"\n'
    writeFileSync(join(bin, 'grep'), full, { mode: 0o755 })
    const files = [pamFile, 'etc/ssh/sshd_config.d/50-mayfly.conf'].map(file => stand.path(file)).concat(stand.sshd.configFile)
    const texts = () => files.map(file => readFileSync(file, 'utf8'))
    const was = texts()
    const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` }
    expect(await stand.runWith(env, 'enroll', ...stand.enrolment, '--principals', 'names', '--log', 'pam')).toMatchObject({ code: 1 })
    expect(await stand.runWith(env, 'unenroll')).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read') })
    expect(texts()).toEqual(was)
  })

  test('takes all away when it leaves', async () => {
    appendFileSync(stand.path(pamFile), '# theirs\n')
    expect(await stand.run('unenroll')).toMatchObject({ code: 0 })
    expect(readFileSync(stand.path(pamFile), 'utf8')).toBe(`${before}# theirs\n`)
    expect(existsSync(stand.path('usr/libexec/mayfly-session'))).toBe(false)
  })
})
