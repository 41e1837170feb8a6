/** The root of an AWS mount: what may be written, whose it is, and how its key is changed. */
import { CreateAccessKeyCommand, ListAccessKeysCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { missing } from '../../targets/missing.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { openAwsMount } from './mount.ts'
import type { AwsMount } from './mount.ts'

describe.skipIf(missing(motoMissing()))('the root of an AWS mount', () => {
  let moto: MotoAccess

  beforeAll(async () => {
    moto = await sharedMoto()
  })
  afterAll(() => moto.dispose())

  const keysOf = async (UserName: string) =>
    ((await moto.iam.send(new ListAccessKeysCommand({ UserName }))).AccessKeyMetadata ?? []).map(({ AccessKeyId }) => AccessKeyId)

  test('a read shows whose the key is and how it does, and no secret', async () => {
    await using under = await openAwsMount(moto)
    const data = await shown(under)
    expect(data).toMatchObject({
      access_key: under.root.access_key,
      account: '123456789012',
      region: '',
      max_retries: -1,
      username_template: ''
    })
    expect(data['arn']).toContain(under.root.name)
    expect(data['health']).toMatchObject({ circuit: 'closed' })
    expect(JSON.stringify(data)).not.toContain(under.root.secret_key)
  })

  test("a tool that writes back the wire's default template for names is not refused, and reads it again", async () => {
    await using under = await openAwsMount(moto)
    // As Vault has it, two blanks included.
    const username_template =
      '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s"  (unix_time) (random 20) | truncate 32 }}{{ else }}{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) | truncate 64 }}{{ end }}'
    await under.mount.write('config/root', { ...under.written, username_template })
    expect(await shown(under)).toMatchObject({ username_template })
    expect((await under.mount.issue('creds/app')).plan.name).toMatch(/^mayfly-/)
  })

  test('a write replaces all of it, and a key that does not work is a warning', async () => {
    await using under = await openAwsMount(moto)
    const { calls_per_second: _, ...rest } = under.written
    const answer = await under.mount.write('config/root', { ...rest, access_key: 'AKIAIOSFODNN7EXAMPLE', region: 'eu-central-1' })
    expect(JSON.stringify(answer)).toContain('the key was not seen to work')
    const data = await shown(under)
    expect(data).toMatchObject({ region: 'eu-central-1', access_key: 'AKIAIOSFODNN7EXAMPLE' })
    expect(data).not.toHaveProperty('calls_per_second')
    expect(data).not.toHaveProperty('account')
  })

  test.each([
    ['iam_endpoint', 'http://iam.amazonaws.com'],
    ['iam_endpoint', 'https://169.254.169.254'],
    ['iam_endpoint', 'https://iam.amazonaws.com.evil.example'],
    ['iam_endpoint', 'https://iam.amazonaws.com@evil.example'],
    ['iam_endpoint', 'https://user:word@iam.amazonaws.com'],
    ['iam_endpoint', 'https://iam.amazonaws.com/path'],
    ['iam_endpoint', 'https://iam.amazonaws.com?x=1'],
    ['iam_endpoint', 'https://iam.amazonaws.com:8443'],
    ['iam_endpoint', 'https://sts.amazonaws.com'],
    ['iam_endpoint', 'https://iam.amazonaws.com.cn'],
    ['iam_endpoint', 'iam.amazonaws.com'],
    ['sts_endpoint', 'https://sts.evil.amazonaws.com'],
    ['sts_endpoint', 'https://sts.eu-central-1.amazonaws.com#x'],
    ['sts_endpoint', 'file:///etc/passwd'],
    ['region', 'eu-central-1.evil.example'],
    ['region', 'EU'],
    ['access_key', ''],
    ['access_key', 'AKIA IOSFODNN7EXAMPLE'],
    ['secret_key', ''],
    ['secret_key', 'short'],
    ['username_template', '{{ .DisplayName }}'],
    ['calls_per_second', -1]
  ])('%s %j is refused by name, and nothing is stored or sent', async (field, value) => {
    await using under = await openAwsMount(moto)
    const before = await shown(under)
    const refused = await under.mount.write('config/root', { ...under.written, [field]: value }).catch((error: unknown) => error as Error)
    expect(refused).toMatchObject({ code: 'invalid_request' })
    expect((refused as Error).message).toMatch(new RegExp(`^${field}: `))
    expect(under.front.calls).toEqual([])
    expect(await shown(under)).toEqual(before)
  })

  test.each([
    ['eu-central-1', 'https://iam.amazonaws.com', 'https://sts.eu-central-1.amazonaws.com'],
    ['us-east-1', 'https://iam-fips.amazonaws.com', 'https://sts-fips.us-east-1.amazonaws.com/'],
    ['cn-north-1', 'https://iam.cn-north-1.amazonaws.com.cn', 'https://sts.cn-north-1.amazonaws.com.cn'],
    ['us-gov-west-1', 'https://iam.us-gov.amazonaws.com', 'https://sts.us-gov-west-1.amazonaws.com']
  ])('the addresses of AWS in %s are taken without a word in the configuration', async (region, iam_endpoint, sts_endpoint) => {
    const { placeOf } = await import('../../../plugins/aws/account/place.ts')
    const rules = { targetEndpoints: [], targetTls: 'verified' } as const
    const place = placeOf({ region, iamEndpoint: iam_endpoint, stsEndpoint: sts_endpoint }, rules)
    expect(place).toMatchObject({ region, iam: iam_endpoint, sts: sts_endpoint.replace(/\/$/, '') })
    expect(placeOf({ region, iamEndpoint: '', stsEndpoint: '' }, rules).partition).toBe(place.partition)
  })

  test.each([
    ['eu-central-1', 'https://sts.amazonaws.com', 'us-east-1'],
    ['eu-central-1', 'https://sts.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['cn-north-1', 'https://sts.cn-northwest-1.amazonaws.com.cn', 'cn-northwest-1'],
    ['eu-central-1', '', 'eu-central-1'],
    ['eu-central-1', 'https://sts.internal.example', 'eu-central-1']
  ])('what is signed in %s for the STS at %j is for %s', async (region, stsEndpoint, signed) => {
    const { placeOf } = await import('../../../plugins/aws/account/place.ts')
    const rules = { targetEndpoints: ['https://sts.internal.example'], targetTls: 'verified' } as const
    expect(placeOf({ region, iamEndpoint: '', stsEndpoint }, rules).region).toBe(signed)
  })

  test.each([
    ['us-east-1', 'https://iam.us-gov.amazonaws.com', ''],
    ['us-east-1', '', 'https://sts.us-gov-west-1.amazonaws.com'],
    ['us-gov-west-1', 'https://iam.amazonaws.com', ''],
    ['us-gov-west-1', '', 'https://sts.us-east-1.amazonaws.com'],
    ['cn-north-1', '', 'https://sts.eu-central-1.amazonaws.com'],
    ['eu-central-1', '', 'https://sts.eu-central-1.amazonaws.com.cn'],
    ['us-gov-west-1', '', 'https://sts.amazonaws.com']
  ])('in %s the addresses %j and %j of another partition are refused', async (region, iamEndpoint, stsEndpoint) => {
    const { placeOf } = await import('../../../plugins/aws/account/place.ts')
    const rules = { targetEndpoints: [], targetTls: 'verified' } as const
    expect(() => placeOf({ region, iamEndpoint, stsEndpoint }, rules)).toThrow(/_endpoint: expected https:/)
  })

  test('nothing of the environment is used', async () => {
    const lies = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_IAM: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'theirs',
      AWS_SESSION_TOKEN: 'theirs',
      AWS_REGION: 'mars-1',
      AWS_PROFILE: 'theirs',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
      AWS_MAX_ATTEMPTS: '9',
      HTTP_PROXY: 'http://127.0.0.1:1',
      HTTPS_PROXY: 'http://127.0.0.1:1'
    }
    const before = { ...process.env }
    Object.assign(process.env, lies)
    try {
      await using under = await openAwsMount(moto)
      expect(await shown(under)).toMatchObject({ account: '123456789012' })
      const lease = await under.mount.issue('creds/app')
      expect((await under.mount.revoke([lease]))[0]!.kind).toBe('ended')
    } finally {
      for (const name of Object.keys(lies)) delete process.env[name]
      Object.assign(process.env, before)
    }
  })

  test('a rotation makes a key that only the broker knows, and deletes the old one a minute later', async () => {
    await using under = await openAwsMount(moto)
    const answer = (await under.mount.write('config/rotate-root', {})) as { data: { access_key: string } }
    const { access_key } = answer.data
    expect(access_key).not.toBe(under.root.access_key)
    expect(await keysOf(under.root.name)).toEqual(expect.arrayContaining([under.root.access_key, access_key]))
    await expect(under.mount.write('config/rotate-root', {})).rejects.toThrow('the last rotation is not over')
    await under.mount.issue('creds/app')
    await under.mount.runTasks()
    expect(await keysOf(under.root.name)).toEqual([access_key])
    await expect(under.mount.write('config/root', under.written)).rejects.toThrow('access_key: a rotation has deleted this key')
    await under.mount.reopen()
    await under.mount.issue('creds/app')
  })

  test('a rotation whose reply was lost deletes what it made, and makes another', async () => {
    await using under = await openAwsMount(moto)
    under.front.rule = ({ action, count }) => (action === 'CreateAccessKey' && count === 1 ? 'lose' : 'pass')
    await expect(under.mount.write('config/rotate-root', {})).rejects.toThrow('it goes on in the background')
    const lost = (await keysOf(under.root.name)).find(key => key !== under.root.access_key)
    expect(lost).toBeDefined()
    const answer = (await under.mount.write('config/rotate-root', {})) as { data: { access_key: string } }
    expect(await keysOf(under.root.name)).not.toContain(lost)
    await under.mount.runTasks()
    expect(await keysOf(under.root.name)).toEqual([answer.data.access_key])
  })

  test('a second key of whom nobody knows is not touched', async () => {
    await using under = await openAwsMount(moto)
    await moto.iam.send(new CreateAccessKeyCommand({ UserName: under.root.name }))
    await expect(under.mount.write('config/rotate-root', {})).rejects.toThrow('has another access key')
    expect(await keysOf(under.root.name)).toHaveLength(2)
  })

  test('a rotation that meets another root is given up', async () => {
    await using under = await openAwsMount(moto)
    under.front.rule = ({ action, count }) => (action === 'CreateAccessKey' && count === 1 ? 'lose' : 'pass')
    await expect(under.mount.write('config/rotate-root', {})).rejects.toThrow('it goes on in the background')
    const { access_key, secret_key } = await moto.newRoot()
    await under.mount.write('config/root', { ...under.written, access_key, secret_key })
    await under.mount.runTasks()
    await under.mount.issue('creds/app')
    expect(await shown(under)).not.toHaveProperty('rotation')
  })

  test('users of one account are never looked for with a key of another', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    under.front.rule = ({ action }) => (action === 'GetCallerIdentity' ? { status: 503, code: 'ServiceUnavailable' } : 'pass')
    const { access_key, secret_key } = await moto.newRoot()
    // AWS cannot be asked whose it is: the leases stay with the key that made them.
    await under.mount.write('config/root', { ...under.written, access_key, secret_key })
    under.front.rule = () => 'pass'
    const next = await under.mount.issue('creds/app')
    expect(next.plan.target).not.toBe(lease.plan.target)
    expect((await under.mount.revoke([lease]))[0]!.kind).toBe('ended')
  })
})

const shown = async ({ mount }: AwsMount): Promise<JsonObject> => ((await mount.read('config/root')) as { data: JsonObject }).data
