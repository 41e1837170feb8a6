/** Sessions of STS: what is asked, what is promised of them, and how a role cuts them. */
import { randomBytes } from 'node:crypto'
import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  DeleteGroupPolicyCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  ListUsersCommand,
  IAMClient,
  PutGroupPolicyCommand
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import { motoMissing } from '../../targets/moto.ts'
import { dataOf } from '../../broker/small-broker.ts'
import { awsStand } from './stand.ts'
import type { AwsStand } from './stand.ts'

const policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:ListBucket', Resource: '*' }] })
let stand: AwsStand

describe.skipIf(missing(motoMissing()))('sessions of STS', () => {
  beforeAll(async () => {
    stand = await awsStand()
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  describe('assumed_role', () => {
    test('gives a session named after who asked and its lease, which ends when STS says', async () => {
      const role_arns = await stand.newRole()
      await stand.write('aws/roles/app', { credential_type: 'assumed_role', role_arns, default_sts_ttl: '1h' })
      const reply = await stand.ask('read', 'aws/creds/app')
      const data = dataOf(reply)
      const part = reply.lease!.id.split('/').at(-1)
      expect(data.arn).toBe(`arn:aws:sts::123456789012:assumed-role/${role_arns.split('/').at(-1)}/root-app-${part}`)
      expect(await stand.moto.caller(data)).toBe(data.arn)
      expect(data.security_token).toBe(data.session_token)
      expect(reply.lease!.seconds).toBeGreaterThan(3_590)
      expect(reply.lease!.seconds).toBeLessThanOrEqual(3_600)
      expect(reply.lease!.renewable).toBe(false)
      expect(data.ttl).toBeGreaterThan(3_590)
      await expect(stand.write('sys/leases/renew', { lease_id: reply.lease!.id })).rejects.toThrow('lease is not renewable')
    })

    test('the caller may name the session, choose among the roles, and say for how long, on both paths and with both verbs', async () => {
      const [one, two] = [await stand.newRole(), await stand.newRole()]
      await stand.write('aws/roles/two', { credential_type: 'assumed_role', role_arns: [one, two] })
      for (const path of ['aws/creds/two', 'aws/sts/two'])
        for (const verb of ['read', 'write'] as const) {
          const reply = await stand.ask(verb, path, { role_arn: two, role_session_name: 'b ob', ttl: '20m' })
          expect(dataOf(reply).arn).toMatch(new RegExp(`/${two.split('/').at(-1)}/b_ob-\\w{24}$`))
          expect(reply.lease!.seconds).toBeGreaterThan(1_190)
          expect(reply.lease!.seconds).toBeLessThanOrEqual(1_200)
        }
      await expect(stand.read('aws/creds/two')).rejects.toThrow('did not supply a role_arn parameter and unable to determine one')
      await expect(stand.read('aws/creds/two', { role_arn: 'arn:aws:iam::1:role/x' })).rejects.toThrow(
        'role_arn "arn:aws:iam::1:role/x" not in allowed role arns for Vault role "two"'
      )
      const long = await stand.ask('read', 'aws/creds/two', { role_arn: two, role_session_name: 'x'.repeat(65) })
      expect(dataOf(long).arn.split('/').at(-1)).toMatch(/^x{39}-\w{24}$/)
      expect(long.warnings?.join()).toContain('role_session_name: cut to 39 characters')
    })

    test('a time that STS does not give is refused or cut, with its limit named', async () => {
      await stand.write('aws/roles/times', { credential_type: 'assumed_role', role_arns: await stand.newRole() })
      await expect(stand.read('aws/creds/times', { ttl: '60s' })).rejects.toThrow('STS gives no session of less than 900 s')
      const reply = await stand.ask('read', 'aws/creds/times', { ttl: '13h' })
      expect(reply.warnings).toContain('a ttl of 46800 s is more than STS gives: the session ends after 43200 s')
      await stand.write('aws/roles/times', { max_sts_ttl: '30m' })
      expect((await stand.ask('read', 'aws/creds/times', { ttl: '1h' })).lease!.seconds).toBe(1_800)
    })

    test('a token that leaves less than STS gives is told so, and nothing is promised', async () => {
      await stand.write('aws/roles/short', { credential_type: 'assumed_role', role_arns: await stand.newRole() })
      const short = { ttl: '14m', explicit_max_ttl: '14m', policies: ['root'] }
      const { client_token: token } = (await stand.ask('write', 'auth/token/create', short)).auth!.reveal()
      await expect(stand.ask('read', 'aws/creds/short', {}, token)).rejects.toMatchObject({
        code: 'invalid_request',
        message: 'token and mount leave 840 s, and none is made that lives less than 900 s'
      })
      const { holdings } = dataOf(await stand.ask('read', 'sys/holdings', { ended: true, limit: 1000 }))
      expect(holdings.filter((one: { path: string }) => one.path === 'aws/creds/short')).toEqual([])
      await stand.write('aws/roles/short', { lease_outlives_token: true })
      expect((await stand.ask('read', 'aws/creds/short', {}, token)).lease!.seconds).toBeGreaterThan(3_590)
    })

    test('what the trust policy does not allow is told in the words of the wire', async () => {
      await stand.write('aws/roles/gone', { credential_type: 'assumed_role', role_arns: 'arn:aws-cn:iam::123456789012:role/x' })
      await expect(stand.read('aws/creds/gone')).rejects.toThrow('role_arn: of the partition aws-cn, and config/root is of aws')
    })

    test('a ticket is asked for where the role wants one', async () => {
      const role_arns = await stand.newRole()
      const session_tags = { ticket: '{{ticket}}', who: '{{display_name}}' }
      await stand.write('aws/roles/ticket', {
        credential_type: 'assumed_role',
        role_arns,
        session_tags,
        source_identity: '{{display_name}}'
      })
      await expect(stand.read('aws/creds/ticket')).rejects.toThrow('ticket: role "ticket" asks for which ticket this is')
      expect((await stand.read('aws/creds/ticket', { ticket: 'OPS-12' })).access_key).toMatch(/^ASIA/)
      await stand.write('aws/roles/entity', { credential_type: 'assumed_role', role_arns, source_identity: '{{entity}}' })
      await expect(stand.read('aws/creds/entity')).rejects.toThrow('wants a source identity')
    })

    test.for([
      [{}, 'did not supply role_arns'],
      [{ role_arns: 'arn:aws:iam::123456789012:role/*' }, 'role_arns: expected the exact ARN'],
      [{ role_arns: 'arn:aws:iam::123456789012:role/x', session_tags: { 'aws:x': 'y' } }, 'session_tags: a key'],
      [{ role_arns: 'arn:aws:iam::123456789012:role/x', external_id: ' ' }, 'external_id'],
      [{ role_arns: 'arn:aws:iam::123456789012:role/x', mfa_serial_number: 'x' }, 'mfa_serial_number'],
      [
        { role_arns: 'arn:aws:iam::123456789012:role/x', policy_document: `{"Statement":[{"Sid":"${'x'.repeat(2_048)}"}]}` },
        'a session takes 2048'
      ]
    ] as const)('a role that could never work is refused when it is written: %j', async ([fields, why]) => {
      await expect(stand.write('aws/roles/bad', { credential_type: 'assumed_role', ...fields })).rejects.toThrow(why)
    })
  })

  describe('federation_token and session_token', () => {
    test('are the types of the wire, the former with an ARN, by which the console finds its partition', async () => {
      await stand.write('aws/roles/fed', { credential_type: 'federation_token', policy_document: policy })
      const data = await stand.read('aws/sts/fed')
      expect(data).toMatchObject({ access_key: expect.any(String), secret_key: expect.any(String), security_token: expect.any(String) })
      expect(data.arn).toMatch(/^arn:aws:sts::\d{12}:federated-user\//)
      expect((await stand.write('aws/roles/ses', { credential_type: 'session_token' })).warnings).toEqual([
        'a session_token has all rights of the user whose keys the root holds'
      ])
      expect((await stand.read('aws/creds/ses')).session_token).toEqual(expect.any(String))
    })

    test('without a policy a federated user would have all rights of the broker', async () => {
      await expect(stand.write('aws/roles/all', { credential_type: 'federation_token' })).rejects.toThrow(
        'must specify at least one of policy_arns or policy_document with federation_token credential_type'
      )
    })

    test('the code of a device goes with its role', async () => {
      await expect(stand.read('aws/creds/ses', { mfa_code: '123456' })).rejects.toThrow('mfa_code: the role has no mfa_serial_number')
      await stand.write('aws/roles/mfa', { credential_type: 'session_token', mfa_serial_number: 'arn:aws:iam::123456789012:mfa/me' })
      await expect(stand.read('aws/creds/mfa')).rejects.toThrow('mfa_code: the role wants the six digits of its device')
      await expect(stand.read('aws/creds/mfa', { mfa_code: '12' })).rejects.toThrow('mfa_code: expected six digits')
      expect((await stand.read('aws/creds/mfa', { mfa_code: '123456' })).access_key).toEqual(expect.any(String))
    })

    test('what groups allow becomes a policy of the session, read anew each time', async () => {
      const group = `group-${randomBytes(6).toString('hex')}`
      await stand.moto.iam.send(new CreateGroupCommand({ GroupName: group }))
      await stand.moto.iam.send(new AddUserToGroupCommand({ GroupName: group, UserName: stand.rootName }))
      await stand.moto.iam.send(new PutGroupPolicyCommand({ GroupName: group, PolicyName: 'p', PolicyDocument: policy }))
      await stand.write('aws/roles/group', { credential_type: 'federation_token', iam_groups: group })
      expect((await stand.read('aws/creds/group')).access_key).toEqual(expect.any(String))
      const long = JSON.stringify({ Version: '2012-10-17', Statement: Array.from({ length: 40 }, () => JSON.parse(policy).Statement[0]) })
      await stand.moto.iam.send(new PutGroupPolicyCommand({ GroupName: group, PolicyName: 'q', PolicyDocument: long }))
      await expect(stand.read('aws/creds/group')).rejects.toThrow('iam_groups: policies of')
      for (const PolicyName of ['p', 'q']) await stand.moto.iam.send(new DeleteGroupPolicyCommand({ GroupName: group, PolicyName }))
      // A group that was cut back to nothing must not widen the session to all that there is.
      const arn = await stand.newRole()
      await stand.write('aws/roles/assumed', { credential_type: 'assumed_role', role_arns: arn, iam_groups: group })
      for (const role of ['group', 'assumed'])
        await expect(stand.read(`aws/creds/${role}`)).rejects.toThrow('iam_groups: the groups have no policies')
    })
  })

  // Each on a broker of its own: time that was wound is not that of STS, and what follows could not be issued.
  describe('the end of a session', () => {
    test('revoking ends the lease, says that the keys live on, and is done when they have ended', async () => {
      await using stand = await awsStand()
      await stand.write('aws/roles/end', { credential_type: 'assumed_role', role_arns: await stand.newRole(), default_sts_ttl: '15m' })
      const reply = await stand.ask('read', 'aws/creds/end')
      const { id } = reply.lease!
      await stand.write('sys/leases/revoke', { lease_id: id, sync: true })
      expect(await stateOf(stand, id)).toMatchObject({ state: 'revoking', revocable: 'never', ended: false })
      await stand.clock.advance('PT15M1S')
      await stand.until(async () => (await stateOf(stand, id)).state === 'revoked')
    })

    test('where the role cuts, a policy of it denies everything to this session and to no other', async () => {
      await using stand = await awsStand()
      const arn = await stand.newRole()
      await stand.write('aws/roles/cut', { credential_type: 'assumed_role', role_arns: arn, default_sts_ttl: '15m', cut_on_revoke: true })
      const [one, two] = [await stand.ask('read', 'aws/creds/cut'), await stand.ask('read', 'aws/creds/cut')]
      expect(await mayList(stand, dataOf(one))).toBe(true)
      await stand.write('sys/leases/revoke', { lease_id: one.lease!.id, sync: true })
      const document = await stand.until(() => cutOf(stand, arn))
      expect(document.Statement).toEqual([
        {
          Sid: 'Sessions',
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: { StringLike: { 'aws:userid': [`*-${one.lease!.id.split('/').at(-1)}`] } }
        }
      ])
      // moto denies whatever the condition says.
      expect(await mayList(stand, dataOf(one))).toBe(false)
      await stand.clock.advance('PT2M10S')
      await stand.until(async () => (await stateOf(stand, one.lease!.id)).ended)
      expect(await stateOf(stand, two.lease!.id)).toMatchObject({ state: 'active' })
    })

    test('a hundred cuts at once are one policy; it shrinks as they end, and is gone with the last', async () => {
      await using stand = await awsStand()
      const arn = await stand.newRole()
      await stand.write('aws/roles/herd', { credential_type: 'assumed_role', role_arns: arn, cut_on_revoke: true })
      const leases: string[] = []
      for (let round = 0; round < 10; round++) {
        const asked = ['15m', '1h'].flatMap(ttl => Array.from({ length: 5 }, () => stand.ask('read', 'aws/creds/herd', { ttl })))
        leases.push(...(await stand.during(Promise.all(asked))).map(({ lease }) => lease!.id))
      }
      await stand.during(stand.write('sys/leases/revoke-prefix/aws/creds/herd'))
      const cut = (count: number) => async () => (await cutOf(stand, arn))?.Statement[0].Condition.StringLike['aws:userid'].length === count
      await stand.until(cut(100))
      await stand.clock.advance('PT21M')
      await stand.until(cut(50))
      await stand.clock.advance('PT45M')
      await stand.until(async () => (await cutOf(stand, arn)) === undefined)
      for (const id of leases) expect((await stateOf(stand, id)).state).toBe('revoked')
    })

    test('the keys of a role that is gone end by themselves', async () => {
      await using stand = await awsStand()
      const arn = 'arn:aws:iam::123456789012:role/never-there'
      await stand.write('aws/roles/nowhere', {
        credential_type: 'assumed_role',
        role_arns: arn,
        default_sts_ttl: '15m',
        cut_on_revoke: true
      })
      const reply = await stand.ask('read', 'aws/creds/nowhere').catch(() => undefined)
      if (!reply) return
      await stand.write('sys/leases/revoke', { lease_id: reply.lease!.id, sync: true })
      await stand.clock.advance('PT15M5S')
      await stand.until(async () => (await stateOf(stand, reply.lease!.id)).state === 'revoked')
    })
  })

  test('wait=usable holds the reply until the keys work', async () => {
    await stand.write('aws/roles/usable', { credential_type: 'assumed_role', role_arns: await stand.newRole() })
    const reply = await stand.during(stand.ask('read', 'aws/creds/usable', { wait: 'usable' }))
    expect(JSON.stringify(reply.warnings)).not.toContain('AWS does not take these keys')
    await expect(stand.read('aws/creds/usable', { wait: 'long' })).rejects.toThrow('wait: expected "usable"')
  })
})

async function stateOf(stand: AwsStand, id: string): Promise<any> {
  const { holdings } = dataOf(await stand.ask('read', 'sys/holdings', { ended: true, limit: 1000 }))
  const found = holdings.find((holding: { id: string }) => holding.id === id)
  return { ...found, revocable: found?.guarantees?.revocable, ended: Boolean(found?.ended_at ?? found?.ended_time) }
}

/** The policy that cuts sessions of a role. */
async function cutOf(stand: AwsStand, arn: string): Promise<any> {
  const RoleName = arn.split('/').at(-1)!
  const { PolicyNames = [] } = await stand.moto.iam.send(new ListRolePoliciesCommand({ RoleName }))
  const PolicyName = PolicyNames.find(name => name.startsWith('mayfly-cut-'))
  if (PolicyName === undefined) return undefined
  const { PolicyDocument } = await stand.moto.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))
  return JSON.parse(decodeURIComponent(PolicyDocument!))
}

async function mayList(stand: AwsStand, keys: { access_key: string; secret_key: string; security_token: string }): Promise<boolean> {
  const iam = new IAMClient(stand.moto.client(keys))
  return await iam.send(new ListUsersCommand({ MaxItems: 1 })).then(
    () => true,
    (error: Error) => {
      if (error.name !== 'AccessDenied') throw error
      return false
    }
  )
}
