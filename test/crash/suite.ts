/** A crash suite: moments at which the broker dies over one kind of work, and what must hold afterwards. The long run (`npm run test:crash`) and the short ones of `npm test` run
 *  the same. */
import type { Moment, NamedMoment } from './moment.ts'
import type { Stand } from './stand.ts'

export interface CrashSuite {
  readonly name: string
  /** What must hold, in a few words. */
  readonly holds: string
  readonly moments: readonly NamedMoment[]
  /** The last pass of a point that its work comes by in seconds; one at which it comes by once is killed at its first only. */
  readonly passesMax: number
  /** Deaths between two looks: as many as one store bears and a finding is still told apart by. */
  readonly deathsPerLook: number
  open(): Promise<Deaths>
}

/** The deaths on one store. */
export interface Deaths extends AsyncDisposable {
  /** Whose trail is verified at the end. */
  readonly stand?: Stand
  /** What was answered with success: a suite that asked for nothing has shown nothing. */
  readonly answered: number
  /** True when the moment came. */
  die(moment: Moment): Promise<boolean>
  /** With a broker that lives: what does not hold after the deaths since the last look. */
  broken(): Promise<readonly string[]>
}

export interface Wanted {
  readonly each: number
  readonly random: number
  /** Only these, when there are any. */
  readonly points?: readonly string[] | undefined
}

export interface SuiteReport {
  readonly kills: number
  /** Those at another moment, because the armed one (a later pass of a point) did not come in time. */
  readonly missed: number
  readonly points: number
  readonly answered: number
  /** Points that were armed and never reached: a crash point that no suite reaches is a failing test. */
  readonly unreached: readonly string[]
  readonly broken: readonly string[]
}

// Where the work of a broker that has just started is under way.
const randomMs = { from: 20, to: 620 }

// Of those at random, every fourth is in the start itself.
const inStartEach = 4
const killsPerLine = 25

type Tell = (line: string) => void

export async function runSuite(suite: CrashSuite, wanted: Wanted, tell: Tell = () => undefined): Promise<SuiteReport> {
  const named = suite.moments.filter(({ point }) => wanted.points?.includes(point) ?? true)
  const moments = [...named.flatMap(moment => passes(moment, wanted.each, suite.passesMax)), ...atRandom(wanted.random)]
  const report = { kills: 0, missed: 0, points: named.length, answered: 0, broken: [] as string[] }
  const reached = new Set<string>()
  const told = ({ answered }: Deaths) =>
    tell(`${suite.name}: ${report.kills} of ${moments.length} kills, ${answered} answered, ${report.broken.length} broken so far`)
  try {
    await using deaths = await suite.open()
    for (const since of batches(moments, suite.deathsPerLook)) {
      for (const moment of since) {
        if (!(await deaths.die(moment))) report.missed++
        else if ('point' in moment) reached.add(moment.point)
        if (++report.kills % killsPerLine === 0 || report.kills === moments.length) told(deaths)
      }
      for (const what of await deaths.broken()) report.broken.push(`${what} (after deaths at ${namesOf(since)})`)
    }
    report.broken.push(...(await trailOf(deaths)))
    report.answered = deaths.answered
  } catch (error) {
    // The store is no good any more, and so is the rest of the run.
    report.broken.push(`ended after ${report.kills} kills: ${error instanceof Error ? error.stack : String(error)}`)
  }
  const armed = wanted.each > 0 ? named.map(({ point }) => point) : []
  return { ...report, unreached: armed.filter(point => !reached.has(point)) }
}

function passes(moment: NamedMoment, each: number, passesMax: number): readonly Moment[] {
  const once = !('pass' in moment) || moment.point.startsWith('boot:')
  return Array.from({ length: each }, (_, i) => (once ? moment : { ...moment, pass: moment.pass + (i % passesMax) }))
}

function atRandom(count: number): readonly Moment[] {
  return Array.from({ length: count }, (_, i) => ({
    afterMs: randomMs.from + Math.random() * (randomMs.to - randomMs.from),
    ...(i % inStartEach === inStartEach - 1 ? { partOfStart: Math.random() } : {})
  }))
}

function* batches(moments: readonly Moment[], size: number): Generator<readonly Moment[]> {
  for (let from = 0; from < moments.length; from += size) yield moments.slice(from, from + size)
}

function namesOf(moments: readonly Moment[]): string {
  return [...new Set(moments.map(moment => ('point' in moment ? moment.point : 'random')))].join(', ')
}

async function trailOf({ stand }: Deaths): Promise<readonly string[]> {
  if (!stand) return []
  await using broker = await stand.started()
  const broken = await stand.trailBroken()
  await broker.stop()
  return broken
}
