/** `mayfly aws` and what is below it, with a real broker and moto. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { CreateRoleCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commands } from '../../../plugins/aws/commands.ts'
import { signInPlaces, signInUrl } from '../../../plugins/aws/commands/sign-in.ts'
import { Shell } from '../../cli/shell.ts'
import { missing } from '../../targets/missing.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served } from '../../wire/serve-in-memory.ts'

const never = new AbortController().signal
const main = join(import.meta.dirname, '../../../src/main.ts')
const policy_document = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] })
let broker: Served
let moto: MotoAccess
let shell: Shell
let role_arns: string

describe.skipIf(missing(motoMissing()))('mayfly aws', () => {
  beforeAll(async () => {
    moto = await sharedMoto()
    const { endpoint } = moto.address
    broker = await serveInMemory({ targets: { endpoints: [endpoint] } })
    const { name: _, ...root } = await moto.newRoot()
    await must('POST', 'sys/mounts/aws', { type: 'aws' })
    await must('POST', 'aws/config/root', { ...root, iam_endpoint: endpoint, sts_endpoint: endpoint })
    const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] }
    const command = new CreateRoleCommand({ RoleName: `app-${Date.now()}`, AssumeRolePolicyDocument: JSON.stringify(trust) })
    role_arns = (await moto.iam.send(command)).Role!.Arn!
    await must('POST', 'aws/roles/app', { credential_type: 'assumed_role', role_arns })
    await must('POST', 'aws/roles/user', { credential_type: 'iam_user', policy_document, user_path: '/commands/' })
    await must('POST', 'aws/config/lease', { lease: '1h', lease_max: '12h' })
  })
  afterAll(() => broker[Symbol.asyncDispose]())

  beforeEach(() => {
    shell = new Shell()
    shell.plugins.push(...commands)
    Object.assign(shell.env, { MAYFLY_ADDR: broker.address, MAYFLY_TOKEN: broker.root, XDG_RUNTIME_DIR: shell.home })
    return () => shell[Symbol.dispose]()
  })

  describe('for credential_process', () => {
    test('prints what SDKs read and nothing else, in every format, and the same again to the next process', async () => {
      const first = await shell.run('aws app')
      expect(first).toMatchObject({ code: 0, err: expect.not.stringContaining('error') })
      const credential = JSON.parse(first.out)
      expect(Object.keys(credential)).toEqual(['Version', 'AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'])
      expect(credential.Expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      const left = Date.parse(credential.Expiration) - Date.now()
      expect(left).toBeGreaterThan(3_500_000)
      expect(left).toBeLessThanOrEqual(3_600_000)
      expect((await shell.run('aws app --format json')).out).toBe(first.out)
      expect((await shell.run('aws --fresh app')).out).not.toBe(first.out)
    })

    test('keeps the keys for their owner alone', async () => {
      await shell.run('aws app')
      const folder = join(shell.home, 'mayfly-aws')
      expect(statSync(folder).mode & 0o777).toBe(0o700)
      const [file] = cachedFiles()
      expect(statSync(file!).mode & 0o777).toBe(0o600)
      expect(readdirSync(folder).filter(name => !/^\w{32}\.(json|lock)$/.test(name))).toEqual([])
    })

    test('whoever has another token, or asks for something else, gets keys of his own', async () => {
      const { auth } = (await must('POST', 'auth/token/create', { policies: ['root'] })).json
      const seen = [
        await shell.run('aws user'),
        await shell.run('aws user', { env: { MAYFLY_TOKEN: auth.client_token } }),
        await shell.run('aws user --ttl 30m')
      ].map(({ out }) => JSON.parse(out).AccessKeyId)
      expect(new Set(seen).size).toBe(3)
    })

    test('processes that start at the same time make one lease', async () => {
      const before = (await moto.users('/commands/')).length
      const seen = await Promise.all(Array.from({ length: 4 }, () => runProcess(['aws', 'user', '--session-name', 'herd'])))
      expect(new Set(seen.map(({ out }) => out)).size).toBe(1)
      expect(seen.map(({ code }) => code)).toEqual([0, 0, 0, 0])
      expect((await moto.users('/commands/')).length - before).toBe(1)
    })

    test('when less than a third is left a user is renewed, and a session is new', async () => {
      for (const [role, same] of [
        ['user', true],
        ['app', false]
      ] as const) {
        const before = JSON.parse((await shell.run(`aws ${role}`)).out)
        age(2_400_001)
        const after = JSON.parse((await shell.run(`aws ${role}`)).out)
        expect(after.AccessKeyId === before.AccessKeyId).toBe(same)
        expect(Date.parse(after.Expiration)).toBeGreaterThan(Date.parse(before.Expiration) - 2_400_001 + 600_000)
        clearCache()
      }
    })

    test('while the keys are good a broker that is away is a note on the side', async () => {
      const before = JSON.parse((await shell.run('aws app')).out)
      age(3_000_000)
      const gone = { MAYFLY_ADDR: broker.address }
      await must('POST', 'aws/roles/app', { max_sts_ttl: '10m' })
      const { code, out, err } = await shell.run('aws app', { env: gone })
      expect([code, JSON.parse(out).AccessKeyId]).toEqual([0, before.AccessKeyId])
      expect(err).toContain('the keys from before are used until')
      age(600_000)
      expect(await shell.run('aws app')).toMatchObject({ code: 2, out: '' })
      await must('POST', 'aws/roles/app', { max_sts_ttl: 0 })
    })

    test('a cache that is broken is not used', async () => {
      await shell.run('aws app')
      writeFileSync(cachedFiles()[0]!, '{"credential":')
      expect(JSON.parse((await shell.run('aws app')).out).Version).toBe(1)
    })

    test.for([
      ['aws', 'missing required argument'],
      ['aws a/b', 'role: expected the name of a role, such as deploy'],
      ['aws none', 'Role "none" not found'],
      ['aws --mount nowhere app', 'no handler for route']
    ])('"mayfly %s" is refused', async ([line, why]) => {
      const { code, out, err } = await shell.run(line!)
      expect([code > 0, out]).toEqual([true, ''])
      expect(err).toContain(why)
    })
  })

  describe('for a program', () => {
    const print = `process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([name]) => /^AWS_|^MAYFLY_TOKEN/.test(name)))))`

    test('gives it keys in its environment, of nobody else, which end with it', async () => {
      const own = { AWS_PROFILE: 'mine', AWS_SESSION_TOKEN: 'old', AWS_REGION: 'eu-central-1' }
      const { code, out } = await runProcess(['aws', 'user', '--', process.execPath, '-e', print], own)
      expect(code).toBe(0)
      const seen = JSON.parse(out)
      expect(Object.keys(seen).toSorted()).toEqual(['AWS_ACCESS_KEY_ID', 'AWS_REGION', 'AWS_SECRET_ACCESS_KEY'])
      expect(await moto.caller({ access_key: seen.AWS_ACCESS_KEY_ID, secret_key: seen.AWS_SECRET_ACCESS_KEY })).toBeUndefined()
    })

    test('may be asked for as any session, by a role and a name', async () => {
      await must('POST', 'aws/roles/two', {
        credential_type: 'assumed_role',
        role_arns: [role_arns, 'arn:aws:iam::123456789012:role/other']
      })
      const args = ['aws', '--role-arn', role_arns, '--session-name', 'anna', 'two', '--', process.execPath, '-e', print]
      const { code, out } = await runProcess(args)
      expect(code).toBe(0)
      const { AWS_ACCESS_KEY_ID: access_key, AWS_SECRET_ACCESS_KEY: secret_key, AWS_SESSION_TOKEN: security_token } = JSON.parse(out)
      expect(await moto.caller({ access_key, secret_key, security_token })).toContain('/anna-')
    })

    test('its exit code is that of the program', async () => {
      expect((await runProcess(['aws', 'app', '--', process.execPath, '-e', 'process.exit(7)'])).code).toBe(7)
      expect((await runProcess(['aws', 'app', '--', 'no-such-program'])).code).toBe(127)
    })
  })

  describe('console', () => {
    test('keys of a user open no console, and end at once', async () => {
      const before = (await moto.users('/commands/')).length
      const { code, out, err } = await shell.run('aws console user')
      expect([code, out]).toEqual([1, ''])
      expect(err).toContain('the console takes sessions only')
      expect((await moto.users('/commands/')).length).toBe(before)
    })

    test('the URL holds the token that AWS gave, and no key', async () => {
      await using aws = await federation({ SigninToken: 'a token/+' })
      const keys = { accessKey: 'ASIAX', secretKey: 's3cr/et', sessionToken: 't0ken', arn: undefined }
      const url = new URL(await signInUrl(keys, { ...aws.places, console: 'https://console.aws.amazon.com/' }, undefined, never))
      expect(Object.fromEntries(url.searchParams)).toEqual({
        Action: 'login',
        Issuer: 'mayfly',
        Destination: 'https://console.aws.amazon.com/',
        SigninToken: 'a token/+'
      })
      const asked = new URL(aws.asked[0]!, 'http://x').searchParams
      expect([asked.get('Action'), JSON.parse(asked.get('Session')!)]).toEqual([
        'getSigninToken',
        { sessionId: 'ASIAX', sessionKey: 's3cr/et', sessionToken: 't0ken' }
      ])
    })

    test('whatever AWS answers instead is told without the keys', async () => {
      const keys = { accessKey: 'ASIAX', secretKey: 's3cr/et', sessionToken: 't0ken', arn: undefined }
      await using refusing = await federation('no', 400)
      await expect(signInUrl(keys, refusing.places, undefined, never)).rejects.toThrow('AWS gives no sign-in token for these keys (400)')
      await using empty = await federation({})
      await expect(signInUrl(keys, empty.places, undefined, never)).rejects.toThrow('AWS answered without a sign-in token')
    })

    test('each partition has a console of its own, and no page elsewhere is a destination', async () => {
      expect(signInPlaces('arn:aws-cn:sts::1:assumed-role/r/s').console).toBe('https://console.amazonaws.cn/')
      expect(signInPlaces('arn:aws-us-gov:sts::1:assumed-role/r/s').federation).toBe('https://signin.amazonaws-us-gov.com/federation')
      expect(signInPlaces(undefined).console).toBe('https://console.aws.amazon.com/')
      expect(() => signInPlaces('arn:aws-iso:sts::1:x')).toThrow('no console is known for the partition aws-iso')
      await using aws = await federation({ SigninToken: 'x' })
      const keys = { accessKey: 'ASIAX', secretKey: 's', sessionToken: 't', arn: undefined }
      const places = { ...aws.places, console: 'https://console.aws.amazon.com/' }
      const to = (destination: string) => signInUrl(keys, places, destination, never)
      await expect(to('https://evil.example/console.aws.amazon.com')).rejects.toThrow('destination: expected a page of')
      await expect(to('https://console.aws.amazon.com.evil.example/')).rejects.toThrow('destination')
      expect(aws.asked).toEqual([])
      expect(await to('https://eu-central-1.console.aws.amazon.com/s3')).toContain('eu-central-1.console')
    })
  })

  test('policy prints a policy, and what it cannot say beside it', async () => {
    const { code, out, err } = await shell.run('aws policy')
    expect(code).toBe(0)
    expect(JSON.parse(out).Statement.map(({ Sid }: { Sid: string }) => Sid)).toContain('CreateUsers')
    expect(err).toContain('warning: iam_user without permissions_boundary_arn')
  })

  test('check tells each step, and by its exit code whether the role works', async () => {
    const works = await shell.run('aws check app')
    expect(works.code, works.out + works.err).toBe(0)
    expect(works.out).toMatch(/^create +ok/m)
    expect(works.out).toContain('The role app (assumed_role) works')
    await must('POST', 'aws/roles/broken', { credential_type: 'iam_user', iam_groups: 'no-such-group' })
    const broken = await shell.run('aws check broken')
    expect([broken.code, /^create +FAILED/m.test(broken.out)]).toEqual([2, true])
    expect(JSON.parse((await shell.run('aws check app --format json')).out).ok).toBe(true)
  })
})

async function must(method: string, path: string, body?: unknown) {
  const answered = await broker.ask(method, path, body)
  if (answered.status >= 300) throw new Error(`${method} ${path}: ${answered.status} ${answered.body}`)
  return answered
}

function cachedFiles(): readonly string[] {
  const folder = join(shell.home, 'mayfly-aws')
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .map(name => join(folder, name))
}

function clearCache(): void {
  for (const file of cachedFiles()) writeFileSync(file, '')
}

/** As if what is kept had been asked for so much earlier. */
function age(milliseconds: number): void {
  for (const file of cachedFiles()) {
    const text = readFileSync(file, 'utf8')
    if (text === '') continue
    const kept = JSON.parse(text)
    writeFileSync(file, JSON.stringify({ ...kept, issuedAt: kept.issuedAt - milliseconds, expiresAt: kept.expiresAt - milliseconds }))
  }
}

function runProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'], HOME: shell.home, ...shell.env, ...env } })
  let [out, err] = ['', '']
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (err += data.toString()))
  return new Promise(resolve => child.once('close', code => resolve({ code, out, err })))
}

async function federation(answer: unknown, status = 200) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(status).end(JSON.stringify(answer))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    asked,
    places: { federation: `${at}/federation`, console: `${at}/` },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}
