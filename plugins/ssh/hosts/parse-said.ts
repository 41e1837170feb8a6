import { BrokerError } from 'mayfly/plugin'
import type { z } from 'mayfly/plugin'
import type { HostMessage } from './host-message.ts'

/** What a message has beside its envelope. */
export function parseSaid<Shape extends z.ZodObject>(shape: Shape, said: HostMessage): z.output<Shape> {
  const parsed = shape.safeParse(said)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BrokerError('invalid_request', `message: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`)
}
