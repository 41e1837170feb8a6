/** A host's life on whole machines with other releases of OpenSSH and systemd: its timer, its journal, PAM, and sessions that a session manager knows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostScript } from '../../../plugins/ssh/hosts/host-script.ts'
import { missing } from '../../targets/missing.ts'
import { NspawnMachine, machinesMissing, sshdRoots } from '../../targets/nspawn-machine.ts'
import type { Said } from '../../targets/nspawn-machine.ts'
import { openSession, ssh } from '../../targets/ssh-client.ts'
import { makeKey } from '../../targets/sshd-programs.ts'
import { freePort } from '../../targets/sshd-server.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served } from '../../wire/serve-in-memory.ts'

const why = machinesMissing()
// Few machines have them, those where all is required included.
const roots = why === undefined ? sshdRoots() : ['none']
missing(why)

// A turn of the timer waits for news for 20 s.
const turn = { timeout: 60_000, interval: 500 }
const everything =
  'find /etc /usr/libexec /var/lib -xdev ! -name "*.mayfly-*" ! -path "/var/lib/systemd/*" | sort; cat /etc/ssh/sshd_config /etc/pam.d/sshd'

describe.skipIf(why !== undefined).each(roots.map(root => [basename(root), root]))('a machine from %s', (_, root) => {
  let broker: Served
  let machine: NspawnMachine
  let before: string
  let folder: string
  const ask = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await broker.ask(method, path, body)
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`)
    return json
  }
  const script = (variables: string, ...words: readonly string[]): Promise<Said> => machine.run(`${variables}\n${hostScript()}`, words)
  const enroll = async (...words: readonly string[]): Promise<Said> => {
    await ask('POST', 'ssh/hosts/web1', { names: 'web1,127.0.0.1' })
    const { token } = (await ask('POST', 'ssh/hosts/web1/token', {}))['data']
    return script(`mayfly_token=${token}`, 'enroll', '--address', broker.address, '--host', 'web1', ...words)
  }
  const certificate = async (name: string) => {
    const key = join(folder, name)
    makeKey(key)
    const { data, lease_id: lease } = await ask('POST', 'ssh/sign/ops', { public_key: readFileSync(`${key}.pub`, 'utf8') })
    writeFileSync(`${key}.certificate`, data.signed_key)
    return { key, certificate: `${key}.certificate`, user: 'deploy', port: machine.port, lease: lease as string }
  }
  const lease = async (id: string) => (await broker.ask('POST', 'sys/leases/lookup', { lease_id: id })).json['data']

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mayfly-machines-'))
    broker = await serveInMemory()
    machine = await NspawnMachine.start(root, await freePort())
    await machine.must('useradd -m -s /bin/sh deploy')
    before = await machine.must(everything)
    await ask('POST', 'sys/mounts/ssh', { type: 'ssh' })
    await ask('POST', 'ssh/config/ca', {})
    await ask('POST', 'ssh/roles/ops', {
      key_type: 'ca',
      allow_user_certificates: true,
      allowed_users: 'deploy',
      default_user: 'deploy',
      ttl: '10m'
    })
  }, 120_000)
  afterAll(async () => {
    await machine?.[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }, 120_000)

  test.each([
    ['the journal', 'journal'],
    ['PAM', 'pam']
  ])(
    'enrols, tells of use by %s, ends what is revoked, renews itself, and leaves nothing behind',
    async (_, log) => {
      const dry = await enroll('--log', log, '--dry-run')
      expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('+RevokedKeys /etc/ssh/mayfly/krl') })
      expect(await machine.must(everything)).toBe(before)
      for (let times = 0; times < 2; times++)
        expect(await enroll('--log', log)).toMatchObject({ code: 0, stderr: expect.stringContaining('enrolled') })

      const user = await certificate(`user-${log}`)
      // By these the loader of a program writes there what it does; by others it would load what lies there.
      const environment = 'LD_DEBUG OVERRIDE=libs\\nLD_DEBUG_OUTPUT OVERRIDE=/home/deploy/ld\\n'
      await machine.must(`printf '${environment}' >/home/deploy/.pam_environment; chown deploy /home/deploy/.pam_environment`)
      const mayLogIn = async (): Promise<boolean> => (await ssh(user)).code === 0
      expect(await mayLogIn()).toBe(true)
      expect(await machine.must('find /home/deploy -user root')).toBe('')
      const other = await certificate(`other-${log}`)
      const staying = await openSession(other)
      const groupOf = (process: string) =>
        machine.run(`cat /proc/$(pgrep -nu deploy ${process})/cgroup`).then(({ stdout }) => stdout.trim())
      // It says that it is ready a moment before.
      await expect.poll(() => groupOf('-x cat'), turn).toContain('/session-')
      const [, scope = ''] = /\/(session-\w+)\.scope$/.exec(await groupOf('-x cat')) ?? []
      // One left its parent, and minds no signal; one calls itself by the session of somebody else.
      const left = `(trap '' TERM HUP; setsid sh -c 'sleep 7777; sleep 7778' >/dev/null 2>&1 &);`
      const named = `systemd-run --quiet --user --scope --unit=${scope} /usr/bin/sleep 7779 >/dev/null 2>&1 &`
      const held = await openSession(user, `${left} ${named}`)
      await expect
        .poll(() => groupOf('-fx "/usr/bin/sleep 7779"'), turn)
        .toMatch(new RegExp(`/user@\\d+\\.service/(?:.*/)?${scope}\\.scope$`))
      const strays = async (): Promise<string> => (await machine.run('pgrep -fx "sleep 777[78]"')).stdout
      await expect.poll(strays).not.toBe('')
      await expect.poll(async () => (await lease(user.lease)).uses, turn).toBe(2)

      await ask('POST', 'sys/leases/revoke', { lease_id: user.lease })
      expect(await mayLogIn()).toBe(false)
      expect(await held.ended).toBe(255)
      await expect.poll(async () => (await broker.ask('POST', 'sys/leases/lookup', { lease_id: user.lease })).status, turn).toBe(400)
      expect(await strays()).toBe('')
      expect(staying.child.exitCode).toBe(null)
      staying.child.kill()
      expect(await machine.must('find /home/deploy -user root')).toBe('')
      const { krl_version } = (await ask('GET', 'ssh/hosts/web1'))['data']
      expect(await machine.must('/usr/libexec/mayfly-host status')).toContain(`krl         ${krl_version},`)

      const serial = () => machine.must(`ssh-keygen -L -f /etc/ssh/mayfly/ssh_host_ed25519_key-cert.pub | grep Serial`)
      const last = await serial()
      await machine.must('echo 0 >/var/lib/mayfly-host/renew-at')
      await expect.poll(serial, turn).not.toBe(last)
      const knownHosts = join(folder, 'known_hosts')
      const ca = await (await fetch(`${broker.address}/v1/ssh/public_key`)).text()
      writeFileSync(knownHosts, `@cert-authority [127.0.0.1]:* ${ca.trim()}\n`)
      await expect.poll(async () => (await ssh({ ...other, knownHosts })).stderr, turn).toBe('')

      expect(await script('', 'unenroll')).toMatchObject({ code: 0, stderr: expect.stringContaining('unenrolled') })
      expect((await ssh(other)).code).toBe(255)
      expect(await machine.must(everything)).toBe(before)
      expect(await machine.must('systemctl list-units --all --no-legend "mayfly*" | grep -v not-found; pgrep -f mayfly-host || true')).toBe(
        ''
      )
      expect((await broker.ask('GET', 'ssh/hosts/web1')).status).toBe(404)
    },
    300_000
  )
})
