/** The lock of a host's script: one at a time, however many want it at once, whoever dies with it, and however late each step of each of them comes. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hostScript } from '../../../plugins/ssh/hosts/host-script.ts'

let folder: string
const state = (name = '') => join(folder, 'state', name)
const told = (name: string): readonly string[] => (existsSync(state(name)) ? readFileSync(state(name), 'utf8').trim().split('\n') : [])

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-lock-'))
  mkdirSync(state())
  writeFileSync(
    join(folder, 'host.sh'),
    hostScript().replace(/main "\$@"\s*$/, () => work)
  )
  mkdirSync(join(folder, 'bin'))
  // Whoever is late comes with what he saw long ago.
  for (const program of ['rm', 'mkdir', 'sed', 'sort', 'mv', 'ln'])
    late(
      program,
      `[ $(($$ % 3)) -ne 0 ] || /usr/bin/sleep 0.0$(($$ % 10))\n[ $(($$ % 11)) -ne 0 ] || /usr/bin/sleep 0.2\nexec /usr/bin/${program} "$@"`
    )
  late('sleep', 'exec /usr/bin/sleep 0.1')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function late(program: string, script: string): void {
  writeFileSync(join(folder, 'bin', program), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'bin', program), 0o755)
}

/** In the place of what the script does: nobody else may be inside. */
const work = `state=$1
lock_tries_max=$3
make_work_folder
lock
/usr/bin/mkdir "$state/inside" 2>/dev/null || echo "two at once" >>"$state/wrong"
/usr/bin/sleep 0.05
/usr/bin/rmdir "$state/inside" 2>/dev/null || true
echo "$$" >>"$state/done"
[ "$2" = ends ] || kill -KILL $$
`

function run(how: 'ends' | 'dies', shell = 'sh', triesMax = 400): Promise<number | null> {
  return new Promise(resolve => {
    const env = { PATH: `${folder}/bin:/usr/bin:/bin`, TMPDIR: folder }
    spawn(shell, [join(folder, 'host.sh'), state(), how, String(triesMax)], { env, stdio: 'ignore' }).once('close', resolve)
  })
}

test('one at a time, of many who begin at once, of whom every second dies with it', { timeout: 120_000 }, async () => {
  // What others left behind, this script's and an older one's.
  mkdirSync(state('lock'))
  for (const name of ['4194303.17', `${process.pid}.1`, 'pid']) writeFileSync(state(`lock/${name}`), '4194303 1\n')
  const codes = await Promise.all(Array.from({ length: 16 }, (_, n) => run(n % 2 === 0 ? 'ends' : 'dies', n % 3 === 0 ? 'bash' : 'sh')))
  expect(told('wrong')).toEqual([])
  expect(told('done')).toHaveLength(16)
  expect(codes.filter(code => code === 0)).toHaveLength(8)
  // Whoever comes next clears away what is left of the last.
  expect(await run('ends')).toBe(0)
  expect(readdirSync(state('lock'))).toEqual([])
})

test('waits for one who works, of an older script too, and says who it is when that takes too long', async () => {
  const began = readFileSync('/proc/self/stat', 'utf8').replace(/.*\) /, '').split(' ')[19]
  for (const [name, text] of [
    [`${process.pid}.${began}`, ''],
    ['pid', `${process.pid} ${began}\n`]
  ] as const) {
    mkdirSync(state('lock'), { recursive: true })
    writeFileSync(state(`lock/${name}`), text)
    expect(await run('ends', 'sh', 3)).toBe(1)
    expect([told('done'), readdirSync(state('lock'))]).toEqual([[], [name]])
    rmSync(state(`lock/${name}`))
  }
  expect(await run('ends')).toBe(0)
})
