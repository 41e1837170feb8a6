import { BrokerError } from 'mayfly/plugin'
import type { Random } from 'mayfly/plugin'
import { bitsOf } from './template/chance-text.ts'
import { choicesMax, parseTemplate } from './template/parse-template.ts'
import { renderTemplate } from './template/render-template.ts'
import type { Rendering } from './template/render-template.ts'
import type { Template } from './template/template.ts'

// Eight random characters of 62. With fewer, two callers might share one user.
const randomBitsMin = 47
// Longer than any role, and than any display name that is of use.
const fieldBytesMax = 512

export interface TemplatedName {
  readonly displayName: string
  readonly roleName: string
  readonly now: Temporal.Instant
  readonly random: Random
  readonly bytesMax: number
}

/** The name that a `username_template` makes. What it takes and what it makes is `[A-Za-z0-9_-]`; a name that is too long, or could come twice, is refused, never cut. */
export function nameByTemplate(text: string, { displayName, roleName, now, random, bytesMax }: TemplatedName): string {
  const fields = { DisplayName: safe(displayName), RoleName: safe(roleName) }
  try {
    return checkedName(parseTemplate(text), { fields, now, random }, bytesMax)
  } catch (cause) {
    throw cause instanceof BrokerError ? new BrokerError(cause.code, `username_template: ${cause.message}`, { cause }) : cause
  }
}

/** Refuses a template with which no name, or not every name, could be made: each way through its `if`s is tried, with the longest inputs and with none. */
export function refuseUserNameTemplate(text: string, world: Pick<TemplatedName, 'now' | 'random' | 'bytesMax'>): void {
  const template = parseTemplate(text)
  const ways = text.includes('if') ? 2 ** choicesMax : 1
  for (const filled of ['x'.repeat(fieldBytesMax), '_-'.repeat(fieldBytesMax / 2), '']) {
    const fields = { DisplayName: filled, RoleName: filled }
    for (let way = 0; way < ways; way += 1) checkedName(template, { ...world, fields, decide: decisions(way) }, world.bytesMax)
  }
}

/** One `if` after the other, by the bits of `way`. */
function decisions(way: number): () => boolean {
  let left = way
  return () => {
    const chosen = (left & 1) === 1
    left >>= 1
    return chosen
  }
}

function checkedName(template: Template, rendering: Rendering, bytesMax: number): string {
  const made = renderTemplate(template, rendering)
  const name = safe(made.text)
  if (name.length > bytesMax)
    throw refusal(
      `it makes names of up to ${name.length} bytes, and the server takes ${bytesMax}: let it end in "| truncate ${bytesMax}", or cut its parts`
    )
  const bits = Math.floor(bitsOf(made))
  if (bits < randomBitsMin)
    throw refusal(
      `${bits} bits of its names are random, and ${randomBitsMin} are needed, as random 8 has: else two callers may get one user`
    )
  return name
}

const safe = (text: string): string => text.replaceAll(/[^A-Za-z0-9_-]/g, '_')
const refusal = (message: string): BrokerError => new BrokerError('invalid_request', message)
