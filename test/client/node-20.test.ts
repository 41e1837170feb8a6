/** The client runs where its users are: on Node 20, which knows neither `using` nor some newer words. The compiler leaves both as they are. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../src')
const newer =
  /\b(await )?using \w+ =|\bTemporal\b|\bwithResolvers\b|\bDisposableStack\b|\bAsyncDisposableStack\b|\bPromise\.try\b|\bIterator\.|\bSet\(.*\)\.(union|intersection|difference)\b/

test('the client and what it imports use nothing that Node 20 has not', () => {
  const client = readdirSync(join(root, 'client'))
    .filter(file => file.endsWith('.ts'))
    .map(file => join(root, 'client', file))
  // What runs of the contracts; everything else of them is types.
  const contracts = ['index', 'errors', 'fields', 'path', 'secret'].map(name => join(root, 'contracts', `${name}.ts`))
  const strays = [...client, ...contracts].flatMap(file =>
    readFileSync(file, 'utf8')
      .replace(/\/\*[^]*?\*\/|\/\/.*/g, '')
      .split('\n')
      .filter(line => newer.test(line))
      .map(line => `${file}: ${line.trim()}`)
  )
  expect(strays).toEqual([])
})
