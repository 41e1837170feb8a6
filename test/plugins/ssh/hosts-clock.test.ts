/** A host whose clock is wrong: sshd judges certificates by it, and nobody would know why it refuses them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { HostStand } from './hosts-stand.ts'

describe.skipIf(missing(sshdMissing()))('a host whose clock is wrong', () => {
  let stand: HostStand
  beforeAll(async () => {
    stand = await HostStand.open()
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  /** What its programs take for the time. */
  const at = (seconds: number) => {
    const bin = join(stand.folder, 'clock')
    mkdirSync(bin, { recursive: true })
    writeFileSync(
      join(bin, 'date'),
      `#!/bin/sh\n[ "$*" = +%s ] || exec /usr/bin/date "$@"\necho $(($(/usr/bin/date +%s) + ${seconds}))\n`,
      {
        mode: 0o755
      }
    )
    return { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` }
  }
  const clockOff = async () => (await stand.ask('GET', 'ssh/hosts/web1'))['data'].clock_off

  test('says so as it enrols, once, and the broker shows it', async () => {
    const enrolled = await stand.runWith(
      { mayfly_token: await stand.token(), ...at(-600) },
      'enroll',
      ...stand.enrolment,
      '--principals',
      'names'
    )
    expect(enrolled).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/ALARM: the clock of this host is (59\d|600) s behind the broker's: sshd refuses certificates/)
    })
    expect(await stand.runWith(at(-600), 'sync')).toMatchObject({ code: 0, stderr: '' })
    expect(Math.abs((await clockOff()) + 600)).toBeLessThan(20)
    expect((await stand.run('status')).stdout).toMatch(/^clock +-(59\d|600) s ahead/m)
  })

  test('says when it is another, and nothing when it is right', async () => {
    expect(await stand.runWith(at(0), 'sync')).toMatchObject({ code: 0, stderr: '' })
    expect(await clockOff()).toBe(undefined)
    expect((await stand.runWith(at(600), 'sync')).stderr).toMatch(/ALARM: the clock of this host is 60\d s ahead of the broker's/)
    expect(Math.abs((await clockOff()) - 600)).toBeLessThan(20)
    // A clock that was set back says nothing that counts as an old word.
    expect(await stand.runWith(at(0), 'sync')).toMatchObject({ code: 0, stderr: '' })
    expect(await clockOff()).toBe(undefined)
    expect((await stand.run('status')).stdout).not.toContain('clock')
  })
})
