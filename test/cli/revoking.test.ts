/** Ending what is held, as an operator types it: the true thing, or the word that there was nothing. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issuedBy } from './issued-by.ts'
import { realBroker } from './real-broker.ts'
import { Shell } from './shell.ts'
import { typedAt } from './typed-at.ts'

let broker: Awaited<ReturnType<typeof realBroker>>
const shell = new Shell()
const typed = typedAt(shell)
const issue = () => issuedBy(shell)

beforeAll(async () => {
  broker = await realBroker('dev')
  shell.env['MAYFLY_ADDR'] = broker.address
  shell.env['MAYFLY_TOKEN'] = broker.token
  await shell.run('secrets enable memory')
  await shell.run(`write memory/config path=${join(broker.folder, 'users.db')}`)
  await shell.run('write memory/roles/shop default_ttl=1h')
})

afterAll(async () => {
  shell[Symbol.dispose]()
  await broker[Symbol.asyncDispose]()
})

test('leases are listed and revoked by their prefix, and never all of them by accident', async () => {
  await issue()
  expect((await shell.run('lease ls memory/creds/shop')).out).toMatch(/^Keys\n----\n([0-9A-Za-z]{24}\n)+$/)
  expect(await typed('lease revoke -force memory/creds/shop')).toBe('error: force: needs --prefix as well\nexit 1')
  expect((await shell.run(['lease', 'revoke', '-prefix', '/'])).err).toBe('error: lease: a prefix of nothing would be every lease\n')
  expect(await typed('lease revoke -prefix -sync memory/creds/shop')).toBe('revoked: memory/creds/shop\nexit 0')
  expect(await typed('lease ls memory/creds/shop')).toBe('no leases below memory/creds/shop\nexit 0')
  await issue()
  expect(await typed('lease revoke -prefix -sync memory/')).toBe('revoked: memory/\nexit 0')
  expect(await typed('lease ls memory/creds/shop')).toBe('no leases below memory/creds/shop\nexit 0')
})

test('everything that somebody holds is revoked by whose it is, and nothing by accident', async () => {
  await issue()
  expect(await typed('lease revoke -holder=nobody -sync')).toBe(
    'nothing to revoke: "nobody" holds nothing (mayfly lease ls shows who holds what)\nexit 0'
  )
  expect(await typed('lease revoke -accessor=unknown')).toMatch(/^nothing to revoke: "unknown" holds nothing /)
  expect((await shell.run('lease ls')).out).toContain('memory/creds/shop/')
  expect(await typed('lease revoke -sync -holder=root -mount=memory')).toBe('revoked: everything that root holds at memory\nexit 0')
  expect((await shell.run('lease ls')).out).toBe('nobody holds anything\n')
  expect(await typed('lease revoke -holder=root -entity=e')).toBe('error: holder, entity, accessor: one of them at a time\nexit 1')
  expect(await typed('lease revoke -holder=root memory/creds/shop')).toBe(
    'error: lease: who holds it says which, and nothing else does\nexit 1'
  )
  expect(await typed('lease revoke -mount=memory x')).toBe('error: mount: needs --holder, --entity or --accessor as well\nexit 1')
  expect(await typed('lease revoke')).toBe('error: lease: is empty\nexit 1')
  expect(await typed('lease revoke -holder=')).toMatch(/exit 1|exit 2/)
})

test('what is not there is not said to be revoked', async () => {
  const over = '(mayfly lease ls shows what there is, and with --ended what is over)'
  expect(await typed('lease revoke memory/creds/shop/misspelt')).toBe(
    `nothing to revoke: no lease memory/creds/shop/misspelt ${over}\nexit 0`
  )
  expect(await typed('lease revoke -sync -prefix memory/creds/shp')).toBe(
    `nothing to revoke: no lease below memory/creds/shp ${over}\nexit 0`
  )
  const { lease } = await issue()
  expect(await typed(`lease revoke -sync -prefix ${lease}`)).toBe('revoked: memory/creds/shop/ID\nexit 0')
  // What is over already is over: it is found among what was.
  expect(await typed(`lease revoke -sync ${lease}`)).toBe('revoked: memory/creds/shop/ID\nexit 0')
})

test('a token that is good for one more use spends it on the revocation', async () => {
  const { lease } = await issue()
  const rule = 'path "sys/leases/revoke" { capabilities = ["update"] }\npath "sys/leases/revoke/*" { capabilities = ["update"] }'
  await shell.run('policy write ends -', { stdin: rule })
  const { out: token } = await shell.run('token create -policy=ends -use-limit=1 -field=token')
  expect(await typed(`lease revoke -sync ${lease}`, { env: { MAYFLY_TOKEN: token } })).toBe('revoked: memory/creds/shop/ID\nexit 0')
  expect((await shell.run(`lease ls memory/creds/shop`)).out).not.toContain(lease.split('/').at(-1))
})
