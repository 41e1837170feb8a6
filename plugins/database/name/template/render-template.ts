import { BrokerError, unhandled } from 'mayfly/plugin'
import { joined, plain } from './chance-text.ts'
import type { ChanceText } from './chance-text.ts'
import type { Expression, Field, Part, Template } from './template.ts'
import { isTrue, templateFunctions } from './template-functions.ts'
import type { Value, World } from './template-functions.ts'

// Far beyond any name. `replace` of what `replace` made would fill memory.
const textBytesMax = 8_192

export interface Rendering extends World {
  readonly fields: Readonly<Record<Field, string>>
  /** What an `if` decides. Absent: what its condition says. */
  readonly decide?: () => boolean
}

/** The text that the template makes, with what of it is random. */
export function renderTemplate(template: Template, rendering: Rendering): ChanceText {
  return bounded(joined(template.map(part => renderPart(part, rendering))))
}

function renderPart(part: Part, rendering: Rendering): ChanceText {
  switch (part.kind) {
    case 'literal':
      return plain(part.text)
    case 'action':
      return written(evaluate(part.value, rendering))
    case 'choice': {
      const chosen = rendering.decide ? rendering.decide() : isTrue(evaluate(part.condition, rendering))
      return renderTemplate(chosen ? part.met : part.unmet, rendering)
    }
    default:
      return unhandled(part)
  }
}

function evaluate(expression: Expression, rendering: Rendering): Value {
  switch (expression.kind) {
    case 'text':
      return plain(expression.text)
    case 'number':
      return expression.value
    case 'field':
      return plain(rendering.fields[expression.field])
    case 'call': {
      const given = expression.arguments.map(one => evaluate(one, rendering))
      const value = templateFunctions.get(expression.name)!.run(given, rendering)
      return typeof value === 'object' ? bounded(value) : value
    }
    default:
      return unhandled(expression)
  }
}

const written = (value: Value): ChanceText => (typeof value === 'object' ? value : plain(String(value)))

function bounded(text: ChanceText): ChanceText {
  if (text.text.length > textBytesMax)
    throw new BrokerError('invalid_request', `it makes a text longer than ${textBytesMax} bytes on its way`)
  return text
}
