/** The value of a reference such as `identity.entity.name` for one caller; nothing when there is none. */
export type TemplateValues = (reference: string) => string | undefined

const hole = /\{\{([^{}]*)\}\}/g

const references = [
  /^identity\.entity\.(?:id|name|metadata\..+)$/,
  /^identity\.entity\.aliases\.[^.]+\.(?:id|name|metadata\..+|custom_metadata\..+)$/,
  /^identity\.groups\.ids\.[^.]+\.(?:name|metadata\..+)$/,
  /^identity\.groups\.names\..+\.(?:id|metadata\..+)$/
]

export function hasTemplate(path: string): boolean {
  return path.includes('{{') || path.includes('}}')
}

/** What is wrong with the templates of a path, if anything: a misspelled one would drop its rule in silence. */
export function templateMistake(path: string): string | undefined {
  for (const [, reference = ''] of path.matchAll(hole)) {
    if (!references.some(known => known.test(reference.trim()))) return 'unknown template reference'
  }
  return hasTemplate(path.replaceAll(hole, '')) ? 'template braces do not match' : undefined
}

/** The path with its values, or nothing when one is missing or unfit: then the whole rule is dropped. */
export function fillTemplate(path: string, values: TemplateValues): string | undefined {
  let complete = true
  const filled = path.replaceAll(hole, (_hole, reference: string) => {
    const value = values(reference.trim())
    if (value !== undefined && isPlain(value)) return value
    complete = false
    return ''
  })
  return complete ? filled : undefined
}

/** Names come from people and from foreign identity providers. One that is a wildcard, several segments, a list or nothing at all would
 *  widen the grant (GHSA-59w7-v8rr-pr4p). */
function isPlain(value: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are among what is looked for
  return value !== '' && value !== '.' && value !== '..' && !/[*+/\\,{}\u0000-\u001f\u007f]/.test(value) && value.isWellFormed()
}
