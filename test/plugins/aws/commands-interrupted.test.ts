/** `mayfly aws` and `mayfly aws console`, told to end while AWS makes the keys. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { CreateRoleCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { MotoFront } from '../../targets/moto-front.ts'
import type { Doing } from '../../targets/moto-front.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served } from '../../wire/serve-in-memory.ts'

const main = join(import.meta.dirname, '../../../src/main.ts')

describe.skipIf(missing(motoMissing()))('mayfly aws, interrupted', () => {
  let broker: Served
  let front: MotoFront
  let home: string

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'mayfly-interrupted-'))
    const moto = await sharedMoto()
    front = await MotoFront.start(moto.address.endpoint)
    broker = await serveInMemory({ targets: { endpoints: [front.endpoint] } })
    const { name: _, ...root } = await moto.newRoot()
    await broker.ask('POST', 'sys/mounts/aws', { type: 'aws' })
    await broker.ask('POST', 'aws/config/root', { ...root, iam_endpoint: front.endpoint, sts_endpoint: front.endpoint })
    const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] }
    const command = new CreateRoleCommand({ RoleName: `app-${Date.now()}`, AssumeRolePolicyDocument: JSON.stringify(trust) })
    const role_arns = (await moto.iam.send(command)).Role!.Arn!
    await broker.ask('POST', 'aws/roles/app', { credential_type: 'assumed_role', role_arns })
  })
  afterAll(async () => {
    await broker[Symbol.asyncDispose]()
    await front[Symbol.asyncDispose]()
    rmSync(home, { recursive: true })
  })
  beforeEach(() => {
    front.calls.length = 0
    front.rule = () => 'pass'
  })

  function start(...args: readonly string[]) {
    const env = { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: home, MAYFLY_ADDR: broker.address, MAYFLY_TOKEN: broker.root }
    const child = spawn(process.execPath, [main, ...args], { env })
    let [out, err] = ['', '']
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (err += data.toString()))
    const ended = new Promise<{ code: number | null; out: string; err: string }>(resolve =>
      child.once('close', code => resolve({ code, out, err }))
    )
    return { child, ended, said: () => err }
  }

  /** While AWS makes the session. */
  async function interrupted(...args: readonly string[]) {
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    front.rule = async ({ action }): Promise<Doing> => {
      if (action !== 'AssumeRole') return 'pass'
      asked.resolve()
      await answer.promise
      return 'pass'
    }
    const { child, ended } = start(...args)
    await asked.promise
    child.kill('SIGINT')
    // As it comes from the terminal, and again from whoever started it.
    child.kill('SIGINT')
    answer.resolve()
    return await ended
  }

  const sessionsMade = () => front.actions().filter(action => action === 'AssumeRole').length
  const states = async () =>
    ((await broker.ask('GET', 'sys/holdings')).json['data'].holdings as { state: string }[]).map(({ state }) => state)

  test('keys that open no console are revoked', async () => {
    expect(await interrupted('aws', 'console', 'app')).toMatchObject({ code: 130, out: '' })
    expect([sessionsMade(), await states()]).toEqual([1, ['revoking']])
  })

  test('no keys are made for a page that is none of a console', async () => {
    const { code, err } = await start('aws', 'console', '--destination', 'https://evil.example/', 'app').ended
    expect([code, err]).toEqual([1, 'error: destination: expected a page of https://console.aws.amazon.com/\n'])
    expect(sessionsMade()).toBe(0)
  })

  test('keys of a program that is told to end before it begins are revoked, and who waits for that hears why', async () => {
    const answer = Promise.withResolvers<void>()
    front.rule = async ({ action }): Promise<Doing> => (action === 'AssumeRole' ? answer.promise.then(() => 'pass') : 'pass')
    const { child, ended, said } = start('aws', 'app', '--', 'echo', 'begun')
    await expect.poll(sessionsMade).toBe(1)
    child.kill('SIGTERM')
    await expect.poll(said, { timeout: 5_000 }).toContain('ending once it is known what becomes of the credential')
    answer.resolve()
    expect(await ended).toMatchObject({ code: 143, out: '' })
    expect(await states()).not.toContain('active')
  })

  test('keys that an SDK does not wait for are there for its next try', async () => {
    expect(await interrupted('aws', 'app')).toMatchObject({ code: 130, out: '' })
    const { code, out } = await start('aws', 'app').ended
    expect([code, JSON.parse(out).Version, sessionsMade()]).toEqual([0, 1, 1])
  })
})
