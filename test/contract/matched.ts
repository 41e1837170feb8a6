/** The named segments of a pattern, where the path fits it. */
export function matched(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  for (const [at, part] of pattern.entries()) {
    if (part.startsWith('*')) return { ...params, [part.slice(1)]: segments.slice(at).join('/') }
    if (part.startsWith(':') && segments[at] !== undefined) params[part.slice(1)] = segments[at]
    else if (part !== segments[at]) return undefined
  }
  return pattern.length === segments.length ? params : undefined
}
