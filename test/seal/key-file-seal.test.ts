import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyFileSeal } from '../../src/seal/key-file-seal.ts'
import { systemRandom } from '../../src/system-clock.ts'

const rootKey = new Uint8Array(systemRandom.bytes(32))
const digits = Buffer.alloc(32, 5).toString('hex')
let folder: string
let path: string
let seal: KeyFileSeal

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-seal-'))
  path = join(folder, 'seal.key')
  seal = new KeyFileSeal(path, systemRandom)
})
afterEach(() => rm(folder, { recursive: true }))

const refused = (code: string, why: string) =>
  expect.objectContaining({ code, message: expect.stringMatching(new RegExp(`${path}.*${why}`)) })

test('a key file is made for its owner alone, and opens what it wrapped after a restart', async () => {
  await seal.prepare()
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readFile(path, 'latin1')).toMatch(/^[0-9a-f]{64}\n$/)
  const wrapped = await seal.wrap(rootKey)
  expect(Buffer.from(wrapped).includes(rootKey)).toBe(false)
  expect(await new KeyFileSeal(path, systemRandom).unwrap(wrapped)).toEqual(rootKey)
})

test('preparing again keeps the key that is there', async () => {
  await seal.prepare()
  const wrapped = await seal.wrap(rootKey)
  await seal.prepare()
  expect(await seal.unwrap(wrapped)).toEqual(rootKey)
})

test('a key that the operator brings is taken', async () => {
  await writeFile(path, digits.toUpperCase(), { mode: 0o400 })
  await seal.prepare()
  expect(await seal.unwrap(await seal.wrap(rootKey))).toEqual(rootKey)
})

test('a missing key file is an error that names it, and is never made anew', async () => {
  await seal.prepare()
  const wrapped = await seal.wrap(rootKey)
  await rm(path)
  await expect(seal.unwrap(wrapped)).rejects.toThrow(refused('sealed', 'is missing'))
  await expect(seal.wrap(rootKey)).rejects.toThrow(refused('sealed', 'is missing'))
  await expect(stat(path)).rejects.toThrow('ENOENT')
})

test('the key file of another store does not open this one', async () => {
  await seal.prepare()
  const wrapped = await seal.wrap(rootKey)
  await writeFile(path, digits)
  await expect(seal.unwrap(wrapped)).rejects.toThrow(refused('integrity', 'is not the key of this store'))
})

test('a key file that others may read, write or run is refused', async () => {
  await seal.prepare()
  for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o601]) {
    await chmod(path, mode)
    for (const use of [() => seal.prepare(), () => seal.wrap(rootKey)])
      await expect(use()).rejects.toThrow(refused('sealed', `mode ${mode.toString(8)}`))
  }
})

test('a symbolic link in the place of the key file is refused, wherever it leads', async () => {
  await writeFile(join(folder, 'elsewhere'), digits, { mode: 0o600 })
  for (const target of ['elsewhere', 'nowhere']) {
    await symlink(join(folder, target), path)
    for (const use of [() => seal.prepare(), () => seal.wrap(rootKey)])
      await expect(use()).rejects.toThrow(refused('sealed', 'is a symbolic link'))
    await rm(path)
  }
  await expect(stat(join(folder, 'nowhere'))).rejects.toThrow('ENOENT')
})

test('a folder or a pipe in the place of the key file is refused without waiting', async () => {
  await mkdir(path, { mode: 0o700 })
  await expect(seal.wrap(rootKey)).rejects.toThrow(refused('sealed', 'is no regular file'))
  await rm(path, { recursive: true })
  execFileSync('mkfifo', ['-m', '600', path])
  await expect(seal.wrap(rootKey)).rejects.toThrow(refused('sealed', 'is no regular file'))
})

test('a file that is empty, cut, too long or no key is refused without repeating it', async () => {
  for (const content of ['', digits.slice(1), `${digits}0`, `${digits}\n\n`, 'x'.repeat(64), 'x'.repeat(10_000)]) {
    await writeFile(path, content, { mode: 0o600 })
    await expect(seal.prepare()).rejects.toThrow(refused('sealed', 'does not hold 64 hexadecimal digits$'))
  }
})

test('a folder that is not there is an error that names the file', async () => {
  path = join(folder, 'absent', 'seal.key')
  await expect(new KeyFileSeal(path, systemRandom).prepare()).rejects.toThrow(refused('sealed', 'cannot be created'))
})

test.runIf(process.geteuid?.() === 0)('a key file of another user is refused', async () => {
  await writeFile(path, digits, { mode: 0o600 })
  await chown(path, 12_345, 12_345)
  await expect(seal.prepare()).rejects.toThrow(refused('sealed', 'belongs to another user'))
})

const beside = () => `${path}.new`

describe('a new key for the seal', () => {
  let wrapped: Uint8Array
  beforeEach(async () => {
    await seal.prepare()
    wrapped = await seal.wrap(rootKey)
  })

  test('opens what it has wrapped, and the old one is gone', async () => {
    const old = await readFile(path, 'latin1')
    let kept = wrapped
    await seal.renew(rootKey, wrapped, async renewed => void (kept = renewed))
    expect(await readFile(path, 'latin1')).not.toBe(old)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await seal.unwrap(kept)).toEqual(rootKey)
    await expect(seal.unwrap(wrapped)).rejects.toEqual(refused('integrity', 'is not the key of this store'))
    await expect(stat(beside())).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('that was not kept is thrown away by the next one, and the old one opens all the while', async () => {
    await expect(seal.renew(rootKey, wrapped, () => Promise.reject(new Error('not kept')))).rejects.toThrow('not kept')
    expect(await seal.unwrap(wrapped)).toEqual(rootKey)
    const abandoned = await readFile(beside(), 'latin1')
    let kept = wrapped
    await seal.renew(rootKey, wrapped, async renewed => void (kept = renewed))
    expect(await readFile(path, 'latin1')).not.toBe(abandoned)
    expect(await seal.unwrap(kept)).toEqual(rootKey)
  })

  test('that was kept although nobody heard of it is the one, and no later one throws it away', async () => {
    let kept = wrapped
    const unheard = async (renewed: Uint8Array) => {
      kept = renewed
      throw new Error('no answer')
    }
    await expect(seal.renew(rootKey, wrapped, unheard)).rejects.toThrow('no answer')
    let again = kept
    await seal.renew(rootKey, kept, async renewed => void (again = renewed))
    expect(await new KeyFileSeal(path, systemRandom).unwrap(again)).toEqual(rootKey)
  })

  test('is not taken from a file beside that others can read, and not from one that is no key of this store', async () => {
    await writeFile(beside(), `${digits}\n`, { mode: 0o600 })
    expect(await seal.unwrap(wrapped)).toEqual(rootKey)
    await writeFile(path, `${digits}\n`)
    await expect(seal.unwrap(wrapped)).rejects.toEqual(refused('integrity', 'is not the key of this store'))
    await chmod(beside(), 0o644)
    await expect(seal.unwrap(wrapped)).rejects.toMatchObject({ code: 'sealed' })
  })
})
