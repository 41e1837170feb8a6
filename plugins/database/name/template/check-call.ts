import { unhandled } from 'mayfly/plugin'
import { refuseTemplate, shownWord } from './refuse-template.ts'
import type { Expression } from './template.ts'
import { templateFunctions } from './template-functions.ts'
import type { Kind, TemplateFunction } from './template-functions.ts'

/** The call, when its function is there and takes what it is given: so rendering fails on nothing but odd inputs. */
export function checkedCall(name: string, given: readonly Expression[], at: number): Expression {
  const called = templateFunctions.get(name)
  if (!called) throw refuseTemplate(at, `unknown function ${shownWord(name)}, known are ${[...templateFunctions.keys()].join(', ')}`)
  const { takes, more } = called
  if (given.length < takes.length || (given.length > takes.length && !more))
    throw refuseTemplate(
      at,
      `${name} takes ${more ? 'at least ' : ''}${takes.length} argument${takes.length === 1 ? '' : 's'}, and is given ${given.length}`
    )
  for (const [index, one] of given.entries()) checkArgument(name, called, takes[index] ?? more ?? 'any', one)
  if (called.asks && given.some(hasChance)) throw refuseTemplate(at, `${name} cannot be asked of what is random`)
  if (name === 'printf') checkFormat(given)
  return { kind: 'call', name, arguments: given, at }
}

/** What a condition hangs on must not be random: in some cases the name would be another one, and perhaps always the same. */
export function checkedCondition(condition: Expression): Expression {
  if (hasChance(condition)) throw refuseTemplate(condition.at, 'a condition cannot hang on what is random')
  return condition
}

/** What is written into the name. */
export function checkedOutput(value: Expression): Expression {
  if (kindOf(value) === 'boolean') throw refuseTemplate(value.at, 'true or false is no part of a name: ask it in an if')
  return value
}

function checkArgument(name: string, { sizes }: TemplateFunction, kind: Kind, given: Expression): void {
  switch (kind) {
    case 'text':
      if (kindOf(given) !== 'text') throw refuseTemplate(given.at, `${name}: expected a text here`)
      return
    case 'size': {
      const [min, max] = sizes ?? [0, 0]
      if (given.kind !== 'number' || given.value < min || given.value > max)
        throw refuseTemplate(given.at, `${name}: expected a number from ${min} to ${max} here, written out`)
      return
    }
    case 'any':
      return
    default:
      return unhandled(kind)
  }
}

function checkFormat([format, ...given]: readonly Expression[]): void {
  if (format?.kind !== 'text') throw refuseTemplate(format?.at ?? 0, 'printf: expected the format as a text in quotes')
  const verbs = [...format.text.matchAll(/%(.?)/g)].map(found => found[1]!).filter(verb => verb !== '%')
  const odd = verbs.find(verb => !'sdv'.includes(verb) || verb === '')
  if (odd !== undefined) throw refuseTemplate(format.at, 'printf: only %s, %d, %v and %% are supported')
  if (verbs.length !== given.length) throw refuseTemplate(format.at, `printf: ${verbs.length} verbs, and ${given.length} values for them`)
  for (const [index, value] of given.entries()) {
    const [kind, verb] = [kindOf(value), verbs[index]]
    if (kind === 'boolean' || (verb === 's' && kind !== 'text') || (verb === 'd' && kind !== 'number'))
      throw refuseTemplate(value.at, `printf: %${verb} does not fit this value`)
  }
}

function kindOf(value: Expression): 'text' | 'number' | 'boolean' {
  if (value.kind === 'call') return templateFunctions.get(value.name)!.gives
  return value.kind === 'number' ? 'number' : 'text'
}

function hasChance(value: Expression): boolean {
  return value.kind === 'call' && (templateFunctions.get(value.name)!.chance === true || value.arguments.some(hasChance))
}
