/** The file of options that `mayfly mysql` writes, for a broker that answers what no broker should. */
import { expect, test } from 'vitest'
import { mysqlShell } from '../../plugins/mysql/mysql-shell.ts'
import type { JsonObject } from '../../src/contracts/index.ts'

async function written(credential: JsonObject): Promise<string> {
  if (!('plan' in mysqlShell)) throw new Error('no program')
  const plan = await mysqlShell.plan({
    args: ['readonly'],
    option: name => (name === 'host' ? 'db1' : undefined),
    flag: () => false,
    list: () => [],
    env: {},
    read: () => Promise.resolve(undefined)
  })
  return plan.files?.(credential)['my.cnf'] ?? ''
}

test('a user and a password stand between quotes', async () => {
  const text = await written({ username: 'v-a', password: 'a"b\\c#d' })
  expect(text.split('\n').slice(0, 3)).toEqual(['[client]', 'user="v-a"', 'password="a\\"b\\\\c#d"'])
})

test.each(['username', 'password'])('a %s that would write a line of its own is refused: one may name a program', async field => {
  for (const end of ['\n', '\r', '\0']) {
    const credential = { username: 'v-a', password: 'secret', [field]: `x"${end}[mysql]${end}pager="sh -c id"` }
    await expect(written(credential)).rejects.toThrow(/control character/)
  }
})
