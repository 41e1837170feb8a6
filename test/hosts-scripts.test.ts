/** The parts of the host's script that read what strangers write: the log of sshd, and the list of connections. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { encodeKrl } from '../plugins/ssh/format/encode-krl.ts'
import { fingerprint } from '../plugins/ssh/format/public-key.ts'
import { serialRanges } from '../plugins/ssh/format/serial-ranges.ts'
import { hostScript, principalsScript, sessionScript } from '../plugins/ssh/hosts/host-script.ts'
import { missing } from './targets/missing.ts'
import { listKrl, sshdMissing } from './targets/sshd-programs.ts'
import { ed25519 } from './targets/sshd-stand.ts'

const folder = mkdtempSync(join(tmpdir(), 'mayfly-scripts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** With the functions of the script there, and its `main` not called. */
function shell(body: string, input = ''): string {
  const script = file('part.sh', `${hostScript().replace(/\nmain "\$@"\n$/, '\n')}\n${body}\n`)
  return execFileSync('sh', [script], { input, encoding: 'utf8' })
}

const judge = 'shellcheck'
const shellcheck = spawnSync(judge, ['--version']).status === 0 ? undefined : 'no shellcheck: apt-get install shellcheck'

test.skipIf(missing(shellcheck))('the scripts are POSIX, and shellcheck has nothing to say', () => {
  const files = [file('mayfly-host', hostScript()), file('mayfly-principals', principalsScript()), file('mayfly-session', sessionScript())]
  const { stdout, status } = spawnSync(judge, ['-s', 'sh', ...files], { encoding: 'utf8' })
  expect([stdout, status]).toEqual(['', 0])
})

const [key, ca] = [`SHA256:${'k'.repeat(43)}`, `SHA256:${'c'.repeat(42)}+`]
const accepted = (user = 'root', from = '192.0.2.7', id = 'alice:ops:1', serial = '42'): string =>
  `Accepted publickey for ${user} from ${from} port 50022 ssh2: ED25519-CERT ${key} ID ${id} (serial ${serial}) CA ED25519 ${ca}`
const logins = (...lines: readonly string[]): readonly string[] =>
  shell('parse_logins', `${lines.join('\n')}\n`)
    .split('\n')
    .filter(Boolean)
    .map(line => line.replace(/^\d+ /, ''))

/** What one look after another reads of a log. */
function turnsOf(log: string): () => string {
  const state = mkdtempSync(join(folder, 'state-'))
  const look = `begin_log; new_log_lines | cut -d ' ' -f 4; [ ! -f "$work/position" ] || cp "$work/position" "$state/position"`
  return () => shell(`log=${log} state=${state} work=$(mktemp -d)\n${look}; rm -rf "$work"`)
}

describe('the log of sshd', () => {
  const login = `${ca} 42 root 192.0.2.7 50022 ${key}`

  test.each([
    ['of sshd -E', `${accepted()}\r`],
    ['of syslog', `Nov 29 16:00:01 web1 sshd[811]: ${accepted()}`],
    ['of rsyslog', `2026-11-29T16:00:01.123456+00:00 web1 sshd-session[811]: ${accepted()}`],
    ['of the journal', `1795968635.123456 web1 sshd[811]: ${accepted()}`]
  ])('tells of a login, as a line %s', (_, line) => expect(logins(line)).toEqual([login]))

  // As these wrote it into the journal of a whole machine, with what stands around it.
  const deploy =
    '10.77.0.1 port 34948 ssh2: ED25519-CERT SHA256:2WHQl/SrzQ0v9QZtUEmxFTcwD1gmR6OyvT8pVkEjrQc ID root:people:0VcOSFM9FXcGCP0QV0lA2z6q (serial 8) CA ED25519 SHA256:hZTv1g7f4KZ1D5RDz+KDfHgY+Z5CMr5hJmioX5Wpjts'
  test.each([
    ['8.4 of Debian 11', 'sshd[550]', '(uid=0)'],
    ['9.2 of Debian 12', 'sshd[550]', '(uid=0)'],
    ['10.0 of Debian 13', 'sshd-session[550]', 'deploy(uid=0)'],
    ['10.6 of Debian sid', 'sshd-session[550]', 'deploy(uid=0)']
  ])('tells of one login, and of no refusal, as OpenSSH %s writes it', (_, who, by) => {
    const said = [
      `Connection from 10.77.0.1 port 34948 on 10.77.0.14 port 22 rdomain ""`,
      `Postponed publickey for deploy from 10.77.0.1 port 34948 ssh2 [preauth]`,
      `Accepted publickey for deploy from ${deploy}`,
      `pam_unix(sshd:session): session opened for user deploy(uid=1000) by ${by}`,
      'User child is on pid 589',
      'Starting session: command for deploy from 10.77.0.1 port 34948 id 0',
      `Failed publickey for deploy from ${deploy}`,
      'Accepted key ED25519 SHA256:uBsQaWDUofe9JRawhjuuwVLU2xPDyh8KY+wvljIG30Q found at /root/.ssh/authorized_keys:1',
      'Accepted publickey for root from 10.77.0.1 port 43644 ssh2: ED25519 SHA256:uBsQaWDUofe9JRawhjuuwVLU2xPDyh8KY+wvljIG30Q'
    ]
    expect(logins(...said.map(words => `1795981715.842682 web1 ${who}: ${words}`))).toEqual([
      'SHA256:hZTv1g7f4KZ1D5RDz+KDfHgY+Z5CMr5hJmioX5Wpjts 8 deploy 10.77.0.1 34948 SHA256:2WHQl/SrzQ0v9QZtUEmxFTcwD1gmR6OyvT8pVkEjrQc'
    ])
  })

  test('of the journal tells when', () => {
    expect(shell('parse_logins', `1795968635.123456 web1 sshd[811]: ${accepted()}\n`)).toMatch(/^1795968635 /)
  })

  test('takes a key id that is a text of somebody else', () => {
    expect(logins(accepted('root', '192.0.2.7', 'a b (serial 7) CA ED25519 x'))).toEqual([login])
    expect(logins(accepted('root', 'fe80::7%eth0'))).toEqual([`${ca} 42 root fe80::7 50022 ${key}`])
    expect(logins(accepted('root', '2001:db8::7'))).toEqual([`${ca} 42 root 2001:db8::7 50022 ${key}`])
  })

  test.each([
    ['a plain key', `Accepted publickey for root from 192.0.2.7 port 1 ssh2: ED25519 ${key}`],
    ['a password', 'Accepted password for root from 192.0.2.7 port 1 ssh2'],
    ['a refusal', accepted().replace('Accepted', 'Failed')],
    ['a user name that looks like a login', `Invalid user ${accepted()} from 192.0.2.66 port 9`],
    ['the same in syslog', `Nov 29 16:00:01 web1 sshd[811]: Invalid user x sshd[1]: ${accepted()}`],
    ['another program', `Nov 29 16:00:01 web1 cron[811]: ${accepted()}`],
    ['another program that says sshd', `Nov 29 16:00:01 web1 evil: sshd[811]: ${accepted()}`],
    ['a serial that is none', accepted('root', '192.0.2.7', 'x', '4"2')],
    ['a user that breaks out', accepted('ro"ot')],
    ['an address that is none', accepted('root', '$(reboot)')]
  ])('tells nothing by %s', (_, line) => expect(logins(line)).toEqual([]))

  test('is read on from where it was left, over a rotation, and never half a line', () => {
    const log = file('auth.log', `${accepted('before')}\n`)
    const turn = turnsOf(log)
    expect(turn()).toBe('')
    writeFileSync(log, `${accepted('before')}\n${accepted('one')}\n${accepted('half').slice(0, 40)}`)
    expect(turn()).toBe('one\n')
    writeFileSync(log, `${accepted('before')}\n${accepted('one')}\n${accepted('half')}\n`)
    expect(turn()).toBe('half\n')
    execFileSync('sh', ['-c', `echo '${accepted('late')}' >>${log}; mv ${log} ${log}.1; echo '${accepted('new')}' >${log}`])
    expect(turn()).toBe('late\nnew\n')
    expect(turn()).toBe('')
  })

  test('that begins after the first look is read from its beginning', () => {
    const log = join(folder, 'later.log')
    const turn = turnsOf(log)
    expect(turn()).toBe('')
    writeFileSync(log, `${accepted('first')}\n`)
    expect(turn()).toBe('first\n')
  })
})

// With capitals since 10.6.
test.each(['usepam yes', 'UsePAM yes'])('what sshd shows of its configuration is read as %s', line => {
  const sshd = file('sshd', `#!/bin/sh\necho 'port 22'\necho '${line}'\n`)
  expect(shell(`sshd() { sh ${sshd}; }; sshd=sshd; ssh_folder=/; sshd_word usepam`)).toBe('yes\n')
})

describe('the connections of a host', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 070200C0:C366 01 00000000:00000000 02:00000000 00000000     0        0 1111 1 0
   1: 0100007F:0016 080200C0:C366 01 00000000:00000000 02:00000000 00000000     0        0 2222 1 0
   2: 0100007F:0016 090200C0:C366 06 00000000:00000000 02:00000000 00000000     0        0 3333 1 0
   3: 00000000000000000000000000000000:0016 0000000000000000FFFF0000070200C0:C367 01 0:0 0:0 0 0 0 4444 1
   4: 00000000000000000000000000000000:0016 B80D0120000000000000000007000000:C368 01 0:0 0:0 0 0 0 5555 1`
  const socketOf = (from: string, port: number): string =>
    shell(`connections() { cat ${file('connections', table)}; }; socket_of ${from} ${port}`).trim()

  test.each([
    ['192.0.2.7', 50_022, '1111'],
    ['192.0.2.8', 50_022, '2222'],
    ['192.0.2.9', 50_022, ''],
    ['192.0.2.7', 50_023, '4444'],
    ['2001:db8::7', 50_024, '5555'],
    ['2001:db8:0:0:0:0:0:7', 50_024, '5555'],
    ['2001:db8::8', 50_024, '']
  ])('%s port %i is socket %s', (from, port, inode) => expect(socketOf(from, port)).toBe(inode))

  test('one is of sshd, where the client went to another service from the same port as well', () => {
    const both = file('both', table.replace('080200C0', '070200C0'))
    const body = `
      work=$(mktemp -d)
      connections() { cat ${both}; }
      holders_of() { [ "$1" != 2222 ] || echo "$session"; }
      cp "$(command -v sleep)" "$work/sshd"
      "$work/sshd" 60 &
      session=$!
      until [ "$(cat "/proc/$session/comm")" = sshd ]; do :; done
      end_connection 192.0.2.7 50022 && echo ended
      wait "$session" || echo "by $?"
      end_connection 192.0.2.9 50022 || echo none
      rm -rf "$work"`
    expect(shell(body)).toBe('ended\nby 143\nnone\n')
  })
})

test.each([
  ['0::/user.slice/user-1000.slice/session-7.scope', '7'],
  ['12:pids:/user.slice/user-0.slice/session-c2.scope\n1:name=systemd:/user.slice/user-0.slice/session-c2.scope', 'c2'],
  ['0::/system.slice/ssh.service', ''],
  // systemd-run --user --scope --unit=session-1
  ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/session-1.scope', ''],
  ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope/user-0.slice/session-1.scope', '']
])('the control group %j is of session %j', (groups, session) => {
  expect(shell(`scope_of ${file('cgroup', `${groups}\n`)}`).trim()).toBe(session)
})

test.skipIf(missing(sshdMissing()))('sessions are matched against what ssh-keygen reads in a KRL', () => {
  const [ca, other, lost] = [ed25519(), ed25519(), ed25519()]
  const prints = [ca, other, lost].map(({ publicKey }) => fingerprint(publicKey))
  const serials = serialRanges([7n, ...Array.from({ length: 40 }, (_, at) => 100n + BigInt(at)), 9_007_199_254_740_993n])
  const krl = encodeKrl({
    version: 1n,
    generatedAt: 1n,
    certificates: [{ ca: ca.publicKey, serials, keyIds: [] }],
    keys: [lost.publicKey],
    fingerprints: [Buffer.from('ab'.repeat(32), 'hex')]
  })
  const listing = file('listing', listKrl(file('krl', krl)))
  const stolen = `SHA256:${Buffer.from('ab'.repeat(32), 'hex').toString('base64').replace(/=+$/, '')}`
  const rows: readonly [by: string | undefined, serial: string, key: string, revoked: boolean][] = [
    [prints[0], '7', 'SHA256:x', true],
    [prints[0], '8', 'SHA256:x', false],
    [prints[0], '100', 'SHA256:x', true],
    [prints[0], '139', 'SHA256:x', true],
    [prints[0], '140', 'SHA256:x', false],
    [prints[0], '9007199254740993', 'SHA256:x', true],
    [prints[1], '7', 'SHA256:x', false],
    [prints[1], '8', stolen, true],
    [prints[2], '8', 'SHA256:x', true]
  ]
  const sessions = file('sessions', rows.map(([by, serial, key], at) => `${at} ${by} ${serial} root 192.0.2.7 1 ${key}\n`).join(''))
  const hit = shell(`revoked_sessions ${listing} ${sessions} | cut -d ' ' -f 1`)
  expect(hit.split('\n').filter(Boolean).map(Number)).toEqual(rows.flatMap(([, , , revoked], at) => (revoked ? [at] : [])))
})
