/** `npm run test:crash`: every suite, killed a hundred times at each of its moments and at random ones. `-- --suite wrapping --each 10 --random 50` for less, `-- --target mysql` for
 *  issuing and rotations at MariaDB and MySQL in the place of PostgreSQL. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import '../../src/plugin-name.ts'
import type { CrashSuite, SuiteReport, Wanted } from './suite.ts'

const { values } = parseArgs({
  options: {
    suite: { type: 'string', multiple: true },
    point: { type: 'string', multiple: true },
    target: { type: 'string', default: 'postgres' },
    each: { type: 'string', default: '100' },
    random: { type: 'string', default: '2000' }
  }
})
const { runSuite } = await import('./suite.ts')
const { crashSuitesAt } = await import('./suites.ts')
const crashSuites = suitesAt(values.target)

function suitesAt(target: string): readonly CrashSuite[] {
  if (!Object.hasOwn(crashSuitesAt, target)) fail(`--target ${target}: one of ${Object.keys(crashSuitesAt).join(', ')}`)
  const suites = crashSuitesAt[target]!()
  return suites.length > 0 ? suites : fail(`--target ${target}: there is no such server here`)
}

function chosen(): readonly CrashSuite[] {
  const names = crashSuites.map(({ name }) => name)
  for (const name of values.suite ?? []) if (!names.includes(name)) fail(`--suite ${name}: one of ${names.join(', ')}`)
  const points = crashSuites.flatMap(({ moments }) => moments.map(({ point }) => point))
  for (const point of values.point ?? []) if (!points.includes(point)) fail(`--point ${point}: one of ${points.join(', ')}`)
  return crashSuites.filter(
    ({ name, moments }) =>
      (values.suite?.includes(name) ?? true) && (!values.point || moments.some(({ point }) => values.point!.includes(point)))
  )
}

/** A tenth as many at random as at each point, and of the first suite, over which everything else stands, as many as were asked for. */
function wanted(suite: CrashSuite): Wanted {
  const [each, random] = [count('each'), count('random')]
  return { each, random: suite === crashSuites[0] ? random : Math.ceil(random / 10), points: values.point }
}

function count(name: 'each' | 'random'): number {
  if (!/^\d{1,6}$/.test(values[name])) fail(`--${name} ${values[name]}: a number`)
  return Number(values[name])
}

function fail(why: string): never {
  console.error(why)
  process.exit(2)
}

const reports: (readonly [CrashSuite, SuiteReport])[] = []
for (const suite of chosen()) reports.push([suite, await runSuite(suite, wanted(suite), line => console.log(line))])

console.log(`\n${reports.reduce((sum, [, { kills }]) => sum + kills, 0)} kills`)
console.table(
  Object.fromEntries(
    reports.map(([{ name, holds }, { kills, missed, points, answered, unreached, broken }]) => [
      name,
      { kills, missed, points, answered, 'never reached': unreached.length, broken: broken.length, 'what must hold': holds }
    ])
  )
)
for (const [{ name }, { unreached, broken }] of reports) {
  for (const point of unreached) console.log(`  ${name}: never reached ${point}`)
  for (const what of broken) console.log(`  ${name}: ${what}`)
}
if (reports.some(([, { unreached, broken }]) => unreached.length + broken.length > 0)) process.exitCode = 1
