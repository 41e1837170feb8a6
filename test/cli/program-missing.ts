import process from 'node:process'
import { findProgram } from '../../src/cli/run/find-program.ts'

/** Why a test that needs a program of this machine cannot run, or undefined when it is there. */
export function programMissing(name: string): string | undefined {
  try {
    findProgram(name, process.env['PATH'])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown'
  }
}
