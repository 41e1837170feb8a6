import type { Json } from '../contracts/index.ts'
import { cell, plain } from './cell.ts'
import { isObject } from './json-at.ts'

/** Whether a value has keys of its own, somewhere: in one line nobody could read it. */
export function isNested(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(one => isNested(one as Json))
  return isObject(value) && Object.keys(value).length > 0
}

/** Such a value for people, indented as YAML has it. */
export function nestedLines(value: Json): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(one => listed(one as Json))
  if (!isObject(value)) return plain(value).trimEnd().split('\n')
  return Object.entries(value).flatMap(([key, one]) => {
    const lines = isNested(one) ? nestedLines(one) : cell(key, one, value).trimEnd().split('\n')
    return isNested(one) || lines.length > 1 ? [`${key}:`, ...lines.map(line => `  ${line}`)] : [`${key}: ${lines[0] ?? ''}`]
  })
}

function listed(value: Json): readonly string[] {
  return nestedLines(value).map((line, index) => `${index === 0 ? '-' : ' '} ${line}`)
}
