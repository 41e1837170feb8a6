const fronts = ['{"seq":', '{"type":"header","version":']

/** What a crash leaves of a line: its beginning, with zeros where a block never reached the disk. An edited line is not cut short: its object closes, or it begins otherwise. */
export function cutShort(line: string): string | undefined {
  const text = line.replace(/\0+$/, '')
  if (!fronts.some(front => front.startsWith(text) || text.startsWith(front))) return undefined
  return closes(text) ? undefined : text
}

function closes(text: string): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (inText) {
      if (character === '\\') at++
      else if (character === '"') inText = false
    } else if (character === '"') inText = true
    else if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0) return true
  }
  return false
}
