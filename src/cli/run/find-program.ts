import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { RunFailure, runExit } from './run-exit.ts'

/** Looks for a program as the shell does, so that nothing is issued for one that is not there. */
export function findProgram(name: string, path: string | undefined): string {
  const places = name.includes('/')
    ? [name]
    : (path ?? '')
        .split(delimiter)
        .filter(Boolean)
        .map(folder => join(folder, name))
  const there = places.filter(isFile)
  const runs = there.find(isExecutable)
  if (runs !== undefined) return runs
  if (there.length > 0) throw new RunFailure(runExit.notExecutable, `${name}: may not be executed`)
  throw new RunFailure(runExit.notFound, `${name}: no such program`)
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() === true

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
