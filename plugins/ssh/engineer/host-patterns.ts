/** Whether one of the patterns, as ssh reads them (`*`, `?`), is for this name. */
export function matcherOf(patterns: readonly string[]): (name: string) => boolean {
  const all = patterns.map(expression)
  return name => all.some(one => one.test(name))
}

function expression(pattern: string): RegExp {
  const text = pattern
    .replaceAll(/[.[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${text}$`, 'i')
}

export const isRefusal = (pattern: string): boolean => pattern.startsWith('!')
