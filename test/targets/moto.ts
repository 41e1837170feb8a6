/** AWS for tests: moto over real HTTP, with keys, signatures and policies checked. What it does not do, conditions above all, `moto-access.ts` does in its place or a test says. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { MotoAccess } from './moto-access.ts'
import type { MotoAddress } from './moto-access.ts'

const python = join(import.meta.dirname, '..', '..', '.venv-moto', 'bin', 'python')

// A start takes a second and a half; on a busy machine ten times as long.
const startMsMax = 60_000

export function motoMissing(): string | undefined {
  return existsSync(python) ? undefined : 'moto is not installed: npm test does it where python3 is'
}

/** A server of its own, for faults and counts. Disposed: ended. */
export class TestMoto extends MotoAccess implements AsyncDisposable {
  readonly #process: ChildProcess

  constructor(child: ChildProcess, address: MotoAddress) {
    super(address)
    this.#process = child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose()
    await ended(this.#process)
  }
}

export async function startMoto(): Promise<TestMoto> {
  const child = spawn(python, [join(import.meta.dirname, 'moto-server.py')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: '0' }
  })
  try {
    const endpoint = await listening(child)
    return new TestMoto(child, { endpoint, ...(await firstKey(endpoint)) })
  } catch (error) {
    await ended(child)
    throw error
  }
}

async function listening(child: ChildProcess): Promise<string> {
  let said = ''
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new Error(`moto does not start: ${said}`)), startMsMax)
  child.once('error', reject)
  child.once('exit', code => reject(new Error(`moto ended with ${code}: ${said}`)))
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => {
      // It logs every request.
      if (said.length < 10_000) said += data.toString()
      const address = /Running on (http:\/\/[\d.:]+)/.exec(said)?.[1]
      if (address) resolve(address)
    })
  return promise.finally(() => clearTimeout(timer))
}

/** An administrator, made while moto lets everybody in; from then on it checks. */
async function firstKey(endpoint: string): Promise<Omit<MotoAddress, 'endpoint'>> {
  await letIn(endpoint, 3)
  const iam = new IAMClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'nobody', secretAccessKey: 'nobody' } })
  await iam.send(new CreateUserCommand({ UserName: 'administrator' }))
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })
  await iam.send(new PutUserPolicyCommand({ UserName: 'administrator', PolicyName: 'everything', PolicyDocument }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'administrator' }))
  iam.destroy()
  await letIn(endpoint, 0)
  return { accessKey: AccessKey!.AccessKeyId!, secretKey: AccessKey!.SecretAccessKey! }
}

/** So many calls without a look at who makes them. */
async function letIn(endpoint: string, calls: number): Promise<void> {
  const answered = await fetch(`${endpoint}/moto-api/reset-auth`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: String(calls)
  })
  if (!answered.ok) throw new Error(`moto does not reset its checks: ${answered.status}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
