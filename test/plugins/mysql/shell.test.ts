/** The file of options that `mayfly mysql` writes, for a broker that answers what no broker should. */
import { expect, test } from 'vitest'
import { mysqlShell } from '../../../plugins/mysql/shell/mysql-shell.ts'
import { psql } from '../../../plugins/postgresql/shell/psql.ts'
import type { JsonObject, PluginCommand } from '../../../src/contracts/index.ts'

function planned(command: PluginCommand, told?: JsonObject, role = 'readonly') {
  if (!('plan' in command)) throw new Error('no program')
  return command.plan({
    args: [role],
    option: name => (name === 'host' && !told ? 'db1' : undefined),
    flag: () => false,
    list: () => [],
    env: {},
    read: () => Promise.resolve(told)
  })
}

async function written(credential: JsonObject): Promise<string> {
  const plan = await planned(mysqlShell)
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

test('a role of another kind of server is told as that', async () => {
  const there = { hosts: [{ host: 'db1', port: 5432 }], database: 'app' }
  await expect(planned(mysqlShell, { ...there, sslmode: 'disable' })).rejects.toThrow('role: its server is no MySQL or MariaDB')
  await expect(planned(psql, { ...there, tls: 'false' })).rejects.toThrow('role: its server is no PostgreSQL')
})

test.each(['readonly/x', '/', ''])('%j is the name of no role, and nobody is asked where its server is', async role => {
  for (const command of [mysqlShell, psql])
    await expect(async () => planned(command, undefined, role)).rejects.toThrow('role: expected the name of a role, such as readonly')
})
