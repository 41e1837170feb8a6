/** An enrolment that is killed at any moment: sshd is never left with what it cannot read, and the next try gets through. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { findSshd, sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'

describe.skipIf(missing(sshdMissing()))('an enrolment that is killed', () => {
  let stand: HostStand
  beforeAll(async () => {
    stand = await HostStand.open()
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  const sshdReads = (): string => spawnSync(findSshd(), ['-t', '-f', stand.sshd.configFile], { encoding: 'utf8' }).stderr

  const enrolWhole = async () => {
    await stand.ask('POST', 'ssh/hosts/web1', { names: 'web1.example.com' })
    const ran = await stand.enrollUntil(Number.MAX_SAFE_INTEGER)
    expect(ran.code).toBe(0)
    expect((await stand.run('unenroll')).code).toBe(0)
    return ran
  }

  test('at any command of the script leaves a host that works, and one that enrols the next time', async () => {
    // How many commands one enrolment takes, and then a kill at moments all over them. The first of a broker takes more: it may have to ask again for the KRL's signer.
    const [, whole] = [await enrolWhole(), await enrolWhole()]
    const moments = Array.from({ length: 8 }, (_, at) => Math.floor((whole.steps * (at + 1)) / 9))
    for (const moment of moments) {
      await stand.ask('POST', 'ssh/hosts/web1', { names: 'web1.example.com' })
      expect((await stand.enrollUntil(moment)).code).not.toBe(0)
      expect(sshdReads()).toBe('')
      if (existsSync(stand.path('etc/ssh/sshd_config.d/50-mayfly.conf')))
        for (const file of ['krl', 'user_ca.pub', 'ssh_host_ed25519_key-cert.pub'])
          expect(existsSync(stand.path(`etc/ssh/mayfly/${file}`)), `${file} at ${moment}`).toBe(true)
      const { code, stderr } = await stand.enroll('--principals', 'names')
      expect([code, stderr, moment]).toEqual([0, expect.stringContaining('enrolled'), moment])
      expect(await stand.mayLogIn(await stand.certificate())).toBe(true)
      expect(await stand.run('unenroll')).toMatchObject({ code: 0 })
      expect(readdirSync(stand.path('etc/ssh')).toSorted()).toEqual([
        'ssh_host_ed25519_key',
        'ssh_host_ed25519_key.pub',
        'sshd_config',
        'sshd_config.d'
      ])
    }
  }, 300_000)
})
