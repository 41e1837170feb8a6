/** Every route of a broker at work, read from the tables by which it routes, each with a name that is there and one that is not. */
import type { Running } from '../../src/serve.ts'

export interface WalkedRoute {
  /** With its mount: `users/roles/:name`. */
  readonly pattern: string
  readonly open: boolean
  readonly sudo: boolean
  readonly there: string
  readonly absent: string
}

/** What stands behind a named segment, by pattern; `there` where nothing is said. */
export type Present = Readonly<Record<string, string>>

export function routesOf({ life }: Running, present: Present): readonly WalkedRoute[] {
  const mounts = life.parts()?.mounts.all ?? []
  return mounts.flatMap(mount => {
    if (mount.kind === 'broken') throw new Error(`${mount.record.path} does not serve`)
    return mount.router.rows.map(row => {
      const pattern = mount.record.path + row.pattern
      const named = (name: string) => pattern.replaceAll(/[:*]\w+/g, () => name)
      return {
        pattern,
        open: row.open === true,
        sudo: row.sudo === true,
        there: named(present[pattern] ?? 'there'),
        absent: named('absent')
      }
    })
  })
}

/** Every way to ask: [method, what follows the path, type of the body]. */
export const ways = [
  ['GET', ''],
  ['LIST', ''],
  ['GET', '?list=true'],
  ['GET', '/?list=true'],
  ['PUT', ''],
  ['POST', ''],
  ['PATCH', ''],
  ['DELETE', '']
] as const
