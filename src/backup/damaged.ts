import { BrokerError } from '../contracts/index.ts'

export function damaged(why: string): BrokerError {
  return new BrokerError('integrity', `the backup cannot be used: ${why}`)
}
