import type { Shell, Typing } from './shell.ts'

/** What a user types, and everything that stands on the screen then, ids and times as their kind; at last the exit code. */
export function typedAt(shell: Shell): (line: string, typing?: Typing) => Promise<string> {
  return async (line, typing) => {
    const { out, err, code } = await shell.run(line, typing)
    const seen = `${out}${err}`
      .replaceAll(/\b(m-[a-z]+-)[0-9a-f]{24}\b/g, '$1USER')
      .replaceAll(/\b(creds\/[a-z]+\/)[0-9A-Za-z]{24}\b/g, '$1ID')
      .replaceAll(/\bs\.[0-9A-Za-z]{26,}\b/g, 's.TOKEN')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/ {2,}/g, '  ')
      .replaceAll(/-{3,}/g, '---')
    return `${seen}exit ${code}`
  }
}
