/** A host whose sshd asks: what the broker says now counts now, and when it says nothing, the host's own choice does. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'

describe.skipIf(missing(sshdMissing()))('a host that asks at each login', () => {
  let stand: HostStand
  const setting = (name: string, value: string): void => {
    const file = stand.path('etc/ssh/mayfly/settings')
    writeFileSync(file, readFileSync(file, 'utf8').replace(new RegExp(`^${name} .*$`, 'm'), `${name} ${value}`))
  }
  beforeAll(async () => {
    stand = await HostStand.open()
    const { code, stderr } = await stand.enroll()
    expect([code, stderr]).toEqual([0, expect.stringContaining('enrolled')])
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  test('refuses a revoked certificate at once, before any list has come', async () => {
    const user = await stand.certificate()
    expect(await stand.mayLogIn(user)).toBe(true)
    await stand.ask('POST', 'sys/leases/revoke', { lease_id: user.lease })
    expect(await stand.mayLogIn(user)).toBe(false)
  })

  test('takes for an account what the broker says of it, from the next question on', async () => {
    const ops = await stand.certificate({ valid_principals: 'ops' })
    expect(await stand.mayLogIn(ops)).toBe(false)
    await stand.ask('POST', 'ssh/hosts/web1', { accounts: { [stand.sshd.user]: 'ops admins' } })
    expect(await stand.mayLogIn(ops)).toBe(true)
    expect(await stand.mayLogIn(await stand.certificate())).toBe(false)
  })

  test('without the broker goes on with what it knew', async () => {
    await stand.run('sync')
    const [ops, other] = [await stand.certificate({ valid_principals: 'ops' }), await stand.certificate()]
    stand.way.cut = true
    expect(await stand.mayLogIn(ops)).toBe(true)
    expect(await stand.mayLogIn(other)).toBe(false)
    stand.way.cut = false
  })

  test('without the broker closes at once, or after some minutes, where it was told so', async () => {
    const ops = await stand.certificate({ valid_principals: 'ops' })
    stand.way.cut = true
    setting('offline', 'deny')
    expect(await stand.mayLogIn(ops)).toBe(false)

    setting('offline', 'allow')
    setting('offline-minutes', '5')
    expect(await stand.mayLogIn(ops)).toBe(true)
    const contact = stand.path('var/lib/mayfly-host/contact')
    writeFileSync(contact, `${Number(readFileSync(contact, 'utf8')) - 301}\n`)
    expect(await stand.mayLogIn(ops)).toBe(false)
    setting('offline-minutes', '0')
    stand.way.cut = false
  })

  test('keeps the word with which it asks from everybody else, and it opens nothing else', async () => {
    const file = stand.path('etc/ssh/mayfly/word')
    expect(statSync(file).mode & 0o777).toBe(0o400)
    const body = { word: 'f'.repeat(64), user: 'root', ca: 'SHA256:x', serial: '1' }
    expect(await stand.broker.ask('POST', 'ssh/hosts/web1/principals', body, '')).toMatchObject({ status: 400 })
  })

  test('does nothing with a certificate that says more than ours do', async () => {
    const script = stand.path('usr/libexec/mayfly-principals')
    const { execFileSync } = await import('node:child_process')
    const ca = `SHA256:${'A'.repeat(43)}`
    const planted = stand.path('planted')
    for (const args of [
      ['../../etc/passwd', '1', ca],
      ['-x', '1', ca],
      ['root', `1;touch ${planted}`, ca],
      ['root', '1', `SHA256:$(touch ${planted})`],
      [`$(touch ${planted})`, '1', ca],
      ['', '', '']
    ])
      expect(() => execFileSync('sh', [script, ...args], { stdio: 'pipe' })).toThrow()
    expect(existsSync(planted)).toBe(false)
  })
})
