import process from 'node:process'

/** The words that start this command line once more, whoever's PATH is asked. */
export function ownProgram(): readonly [string, ...string[]] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '']
}
