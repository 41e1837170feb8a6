/** What a reply looks like on a terminal, and to a program. */
import { expect, test } from 'vitest'
import { servedShell } from './served-shell.ts'
import { envelope } from './small-server.ts'

const { server, shell } = await servedShell()

const certificate = {
  id: 'ssh/sign/ops/PcMyBdsvGGWdgK8x0hCJbC2r',
  display_name: 'approle-shop',
  visible: { serial: '18446744073709551615', principals: 'deploy,root', fingerprint: `SHA256:${'f'.repeat(43)}`, cert_type: 'user' },
  state: 'revoking',
  waits_for: `${'the hosts that have not yet taken the list of the revoked '.repeat(3)}ENDS`,
  remote_address: '2001:db8:85a3:8d3:1319:8a2e:370:7348',
  ttl: -5
}

test('a list of leases fits a terminal, and what is copied from it is whole', async () => {
  server.answer = { body: envelope({ data: { holdings: [certificate, { ...certificate, id: 'b/2', waits_for: '' }] } }) }
  for (const columns of [100, 80]) {
    const { out } = await shell.run('lease ls', { tty: true, columns })
    expect(Math.max(...out.split('\n').map(line => line.length))).toBeLessThanOrEqual(columns)
    for (const copied of [certificate.id, certificate.visible.fingerprint, 'approle-shop', certificate.remote_address])
      expect(out.split(/[\s,]+/)).toContain(copied)
    expect(out).not.toContain('ENDS')
  }
  expect((await shell.run('lease ls', { tty: true, columns: 100 })).out).toMatchInlineSnapshot(`
    "Holder        Until   State                                     From
      Holds
      Lease
    ------        -----   -----                                     ----
    approle-shop  5s ago  revoking: the hosts that have not yet     2001:db8:85a3:8d3:1319:8a2e:370:7348
                          taken the list of the revoked the hosts
                          that have not yet taken the…
      serial 18446744073709551615, principals deploy,root, fingerprint
      SHA256:fffffffffffffffffffffffffffffffffffffffffff, cert_type user
      ssh/sign/ops/PcMyBdsvGGWdgK8x0hCJbC2r
    approle-shop  5s ago  revoking                                  2001:db8:85a3:8d3:1319:8a2e:370:7348
      serial 18446744073709551615, principals deploy,root, fingerprint
      SHA256:fffffffffffffffffffffffffffffffffffffffffff, cert_type user
      b/2
    "
  `)
})

test('a list of leases is cut nowhere for a program, nor for whoever says -wide', async () => {
  server.answer = { body: envelope({ data: { holdings: [certificate] } }) }
  const { out } = await shell.run('lease ls')
  expect(out.split('\n')).toHaveLength(4)
  expect(out).toContain('list of the revoked ENDS')
  expect(await shell.run('lease ls -wide', { tty: true, columns: 60 })).toMatchObject({ out })
})

test('a table that fits stays as it is', async () => {
  server.answer = { body: envelope({ data: { 'a/': { type: 'memory', accessor: 'memory_1', description: 'of the shop' } } }) }
  const { out } = await shell.run('secrets list')
  expect(await shell.run('secrets list', { tty: true })).toMatchObject({ out })
  const narrow = (await shell.run('secrets list', { tty: true, columns: out.split('\n')[2]!.length - 1 })).out
  expect(narrow.split('\n')[2]).toBe('a/    memory  memory_1  of the shop')
})

test('what has keys of its own stands indented below its key', async () => {
  const data = {
    empty: {},
    list: ['a', 'b'],
    mount: { type: 'memory', config: { default_lease_ttl: 3600, 'k: x\ny': null }, tags: [{ a: 1, b: [2, 3] }, 'word'] },
    z: 'last\nline'
  }
  server.answer = { body: envelope({ data }) }
  expect((await shell.run('read x')).out).toMatchInlineSnapshot(`
    "Key      Value
    ---      -----
    empty    -
    list     a, b
    mount
      type: memory
      config:
        default_lease_ttl: 1h
        k: x\\ny: -
      tags:
        - a: 1
          b: 2, 3
        - word
    z        last
             line
    "
  `)
  expect((await shell.run('read x -field=list')).out).toBe('["a","b"]')
})

test('an empty filter lists nothing by accident', async () => {
  for (const name of ['holder', 'mount', 'role'])
    expect(await shell.run(`lease ls -${name}=`)).toEqual({ code: 1, out: '', err: `error: ${name}: is empty\n` })
  expect(server.asked).toEqual([])
})

test('a server without help on a path says nothing as if it had', async () => {
  server.answer = { body: { initialized: true } }
  expect(await shell.run('path-help sys/health')).toEqual({ code: 1, out: '', err: 'error: the server has no help on sys/health\n' })
})
