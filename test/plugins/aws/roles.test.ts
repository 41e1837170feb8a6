/** Roles and `config/lease` of an AWS mount: the fields, defaults and texts of the wire. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plugin } from '../../../plugins/aws/index.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { everything } from './mount.ts'

let mount: TestMount

beforeAll(async () => {
  mount = await TestMount.open(plugin.backends![0]!, { clock: systemClock, random: systemRandom })
})
afterAll(() => mount[Symbol.asyncDispose]())

const read = async (path: string) => ((await mount.read(path)) as { data: JsonObject } | undefined)?.data
const boundary = 'arn:aws:iam::111122223333:policy/lease-boundary'
const user = { credential_type: 'iam_user', policy_document: everything, permissions_boundary_arn: boundary }

describe('roles', () => {
  test('read back with every field of the wire, and null where nothing was written', async () => {
    expect(await mount.write('roles/ada@example.com', user)).toBeUndefined()
    expect(await read('roles/ada@example.com')).toEqual({
      credential_type: 'iam_user',
      policy_arns: null,
      policy_document: everything,
      role_arns: null,
      iam_groups: null,
      iam_tags: null,
      session_tags: null,
      external_id: '',
      mfa_serial_number: '',
      default_sts_ttl: 0,
      max_sts_ttl: 0,
      user_path: '',
      permissions_boundary_arn: boundary
    })
  })

  test('an update changes only what it names', async () => {
    await mount.write('roles/kept', { ...user, iam_tags: ['team=payments', 'cost=7'], iam_groups: 'a,b' })
    await mount.write('roles/kept', { iam_groups: ['c'], user_path: '/apps/' })
    expect(await read('roles/kept')).toMatchObject({
      iam_tags: { team: 'payments', cost: '7' },
      iam_groups: ['c'],
      user_path: '/apps/',
      policy_document: everything
    })
  })

  test('take tags in every script, as AWS does', async () => {
    await mount.write('roles/tagged', { ...user, iam_tags: { 'Kostenstelle Zürich': '東京 7' } })
    expect(await read('roles/tagged')).toMatchObject({ iam_tags: { 'Kostenstelle Zürich': '東京 7' } })
  })

  test('are listed, and gone once deleted', async () => {
    await mount.write('roles/zz-gone', user)
    expect(await mount.list('roles')).toMatchObject({ keys: expect.arrayContaining(['zz-gone']) })
    await mount.delete('roles/zz-gone')
    expect(await read('roles/zz-gone')).toBeUndefined()
    await mount.delete('roles/zz-gone')
    await expect(mount.read('creds/zz-gone')).rejects.toMatchObject({ code: 'unknown_role', message: 'Role "zz-gone" not found' })
  })

  test('a policy is kept as compact JSON', async () => {
    await mount.write('roles/spaced', { ...user, policy_document: JSON.stringify(JSON.parse(everything), null, 4) })
    expect((await read('roles/spaced'))!['policy_document']).toBe(everything)
  })

  test('a policy of megabytes is refused before it is read', async () => {
    const policy_document = `{"Statement":[]${' '.repeat(65_536)}}`
    await expect(mount.write('roles/bad', { ...user, policy_document })).rejects.toThrow(
      'cannot parse policy document: "longer than 65536 characters"'
    )
  })

  test('what AWS keeps a user from is told to who leaves it out', async () => {
    const answer = JSON.stringify(await mount.write('roles/loose', { credential_type: 'iam_user', guard: 'iam' }))
    for (const word of ['permissions_boundary_arn is not set', 'outlives the user', 'neither policies nor groups'])
      expect(answer).toContain(word)
  })

  test.each([
    [{}, 'did not supply credential_type'],
    [{ credential_type: 'root' }, 'unrecognized credential type: root'],
    [{ ...user, default_sts_ttl: 900 }, 'default_sts_ttl parameter only valid for assumed_role and federation_token credential types'],
    [{ ...user, max_sts_ttl: 900 }, 'max_sts_ttl parameter only valid for assumed_role and federation_token credential types'],
    [{ ...user, role_arns: 'arn:aws:iam::111122223333:role/x' }, "cannot supply role_arns when credential_type isn't assumed_role"],
    [
      { credential_type: 'federation_token', policy_document: everything, user_path: '/x/' },
      'user_path parameter only valid for iam_user credential type'
    ],
    [
      { credential_type: 'federation_token', policy_document: everything, permissions_boundary_arn: boundary },
      "cannot supply permissions_boundary_arn when credential_type isn't iam_user"
    ],
    [
      { credential_type: 'federation_token', policy_document: everything, default_sts_ttl: 7_200, max_sts_ttl: 3_600 },
      '"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value'
    ],
    [{ ...user, user_path: 'apps' }, 'user_path: expected a path'],
    [{ ...user, user_path: '/a b/' }, 'user_path: expected a path'],
    [{ ...user, policy_arns: 'arn:aws:iam::111122223333:policy/*' }, 'policy_arns: expected the ARN of a policy'],
    [{ ...user, policy_arns: 'arn:aws:s3:::bucket' }, 'policy_arns: expected the ARN of a policy'],
    [
      { ...user, permissions_boundary_arn: 'arn:aws:iam::111122223333:role/x' },
      'invalid permissions_boundary_arn parameter: expected the ARN of a policy'
    ],
    [{ ...user, session_tags: { team: 'x' } }, "cannot supply session_tags when credential_type isn't assumed_role"],
    [{ ...user, external_id: 'x-1' }, "cannot supply external_id when credential_type isn't assumed_role"],
    [{ ...user, source_identity: '{{entity}}' }, "cannot supply source_identity when credential_type isn't assumed_role"],
    [{ ...user, cut_on_revoke: 'true' }, "cannot supply cut_on_revoke when credential_type isn't assumed_role"],
    [
      { credential_type: 'session_token', policy_document: everything },
      'cannot supply a policy or role when using credential_type session_token'
    ],
    [{ ...user, iam_groups: 'a/b' }, 'iam_groups: expected names of groups'],
    [{ ...user, iam_tags: { 'aws:x': '1' } }, 'iam_tags: a key is'],
    [{ ...user, iam_tags: { 'mayfly:lease': '1' } }, 'iam_tags: a key is'],
    [{ ...user, iam_tags: { x: 'a\u0000b' } }, 'iam_tags: a value is'],
    [{ ...user, iam_tags: { 'a&b': 'x' } }, 'iam_tags: a key is'],
    [{ ...user, iam_tags: { team: 'x', Team: 'y' } }, 'iam_tags: two keys that differ in case alone are one to AWS'],
    [{ ...user, policy_document: bigPolicy(1_800) }, 'are left beside the policies that end the user']
  ])('%j is refused in the words of the wire', async (fields, text) => {
    const refused = await mount.write('roles/bad', fields).catch((error: unknown) => error as Error)
    expect(refused).toMatchObject({ code: 'invalid_request' })
    expect((refused as Error).message).toMatch(/^error\(s\) validating supplied role data: "/)
    expect((refused as Error).message).toContain(text)
    expect(await read('roles/bad')).toBeUndefined()
  })

  test.each([
    ['{"Statement": [}', 'it is no JSON'],
    ['"secret-canary"', 'expected an object'],
    ['[]', 'expected an object'],
    ['{"Version":"2012-10-17"}', 'it has no Statement'],
    ['{"Statement":[{"Effect":"Deny","Effect":"Allow"}]}', 'the key "Effect" is there twice'],
    ['{"Statement":[],"State\\u006dent":[1]}', 'the key "Statement" is there twice'],
    [`{"Statement":${'['.repeat(40)}${']'.repeat(40)}}`, 'nested deeper']
  ])('a policy %j is refused without its text', async (policy_document, text) => {
    const refused = await mount.write('roles/bad', { ...user, policy_document }).catch((error: unknown) => error as Error)
    expect(refused).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/^cannot parse policy document: "/) })
    expect((refused as Error).message).toContain(text)
    expect((refused as Error).message).not.toContain('canary')
  })

  test.each(['a b', 'a/b', '.a', 'a.', '-', 'ａ', 'x'.repeat(129)])('a name %j is refused', async name => {
    await expect(mount.write(`roles/${name}`, user)).rejects.toMatchObject({ code: expect.stringMatching(/^(invalid_request|no_route)$/) })
  })

  test('fields from before there were credential types are stored as those of today', async () => {
    expect(JSON.stringify(await mount.write('roles/old', { policy: everything }))).toContain('from before there were credential types')
    expect(await read('roles/old')).toMatchObject({ credential_type: 'iam_user', policy_document: everything })
    await mount.write('roles/old-arn', { arn: 'arn:aws:iam::111122223333:role/x' })
    expect(await read('roles/old-arn')).toMatchObject({ credential_type: 'assumed_role', role_arns: ['arn:aws:iam::111122223333:role/x'] })
  })

  test.each([
    [{ credential_type: 'iam_user' }, 'cannot supply deprecated role or policy parameters with an explicit credential_type'],
    [{ policy_document: everything }, 'cannot supply deprecated role or policy parameters with policy_document'],
    [{ max_sts_ttl: '1h' }, 'cannot supply deprecated role or policy parameters with max_sts_ttl'],
    [{ user_path: '/apps/' }, 'cannot supply deprecated role or policy parameters with user_path'],
    [{ policy: everything }, 'only one of policy or arn should be provided']
  ])('and are refused beside %j', async (fields, text) => {
    await expect(mount.write('roles/mixed', { arn: boundary, ...fields })).rejects.toThrow(text)
    expect(await read('roles/mixed')).toBeUndefined()
  })

  test('the largest policy that is taken fits beside those that end the user, with the longest date', async () => {
    const { denyPolicy, expiryPolicy, roleCharsMax } = await import('../../../plugins/aws/iam-user/dead-man.ts')
    for (const guard of ['full', 'iam'] as const) {
      const policy_document = bigPolicy(roleCharsMax(guard))
      await mount.write('roles/largest', { ...user, guard, policy_document })
      const policies = [expiryPolicy(Temporal.Instant.from('2026-12-31T23:59:59.999Z'), guard), denyPolicy, policy_document]
      expect(policies.join('').length).toBeLessThanOrEqual(2_048)
    }
  })
})

describe('config/lease', () => {
  test('reads back as Go writes durations, and nothing before it was written', async () => {
    expect(await read('config/lease')).toBeUndefined()
    await mount.write('config/lease', { lease: '30m', lease_max: '12h' })
    expect(await read('config/lease')).toEqual({ lease: '30m0s', lease_max: '12h0m0s' })
    await mount.write('config/lease', { lease: 90, lease_max: 3_601 })
    expect(await read('config/lease')).toEqual({ lease: '1m30s', lease_max: '1h0m1s' })
  })

  test.each([
    [{ lease_max: '1h' }, "'lease' is a required parameter"],
    [{ lease: '1h' }, "'lease_max' is a required parameter"],
    [{ lease: '2h', lease_max: '1h' }, 'lease: longer than lease_max'],
    [{ lease: 'soon', lease_max: '1h' }, 'Invalid lease: not a duration'],
    [{ lease: '1h', lease_max: '-1h' }, 'Invalid lease_max: not a duration'],
    [{ lease: '1h', lease_max: ' 2 h' }, 'Invalid lease_max: not a duration']
  ])('%j is refused', async (fields, text) => {
    await expect(mount.write('config/lease', fields)).rejects.toThrow(text)
  })
})

test('nothing is issued before there is a root', async () => {
  await mount.write('roles/app', user)
  await expect(mount.read('creds/app')).rejects.toThrow('no root yet: write access_key and secret_key to config/root')
  await expect(mount.write('config/rotate-root', {})).rejects.toThrow(
    'Cannot call config/rotate-root when either access_key or secret_key is empty'
  )
})

/** A policy of exactly so many characters. */
function bigPolicy(characters: number): string {
  return policyOn('x'.repeat(characters - policyOn('').length))
}

function policyOn(resource: string): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: resource }] })
}
