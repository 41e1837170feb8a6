/** hvac's AWS engine, unchanged, over moto. Its script asserts for itself; what was issued is tried here. */
import { randomBytes } from 'node:crypto'
import { CreateRoleCommand } from '@aws-sdk/client-iam'
import { describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import { motoMissing } from '../targets/moto.ts'
import { sharedMoto } from '../targets/moto-shared.ts'
import { runPython } from './client-stand.ts'
import { serveInMemory } from './serve-in-memory.ts'

describe.skipIf(missing(pythonMissing() ?? motoMissing()))('hvac', () => {
  test('walks through roles, users and sessions of AWS as an application does', async () => {
    const moto = await sharedMoto()
    const { endpoint } = moto.address
    const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] }
    const role_arns: string[] = []
    for (let i = 0; i < 2; i++) {
      const command = new CreateRoleCommand({
        RoleName: `hvac-${randomBytes(6).toString('hex')}`,
        AssumeRolePolicyDocument: JSON.stringify(trust)
      })
      role_arns.push((await moto.iam.send(command)).Role!.Arn!)
    }
    await using broker = await serveInMemory({ targets: { endpoints: [endpoint] } })
    const { access_key, secret_key } = await moto.newRoot()
    const given = { url: broker.address, token: broker.root, endpoint, access_key, secret_key, role_arns }
    const ended = await runPython('hvac-aws.py', given)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const { kept, revoked } = JSON.parse(ended.stdout)
    for (const keys of kept) expect(await moto.caller(keys)).toBeDefined()
    for (const keys of revoked) expect(await moto.isUsable(keys, Temporal.Now.instant())).toBe(false)
  })
})
