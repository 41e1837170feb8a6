import { BrokerError } from '../contracts/index.ts'

/** How many shares there are, and how many of them unseal. */
export interface ShamirConfig {
  readonly shares: number
  readonly threshold: number
}

// A share's x is one byte, and not 0.
const sharesMax = 255

/** Throws `invalid_request` for numbers that no seal can have. */
export function shamirConfig(shares: number, threshold: number): ShamirConfig {
  if (!Number.isSafeInteger(shares) || shares < 1) throw invalid('shares must be at least one')
  if (!Number.isSafeInteger(threshold) || threshold < 1) throw invalid('threshold must be at least one')
  if (shares > sharesMax) throw invalid(`shares must be less than ${sharesMax + 1}`)
  if (threshold > shares) throw invalid('threshold cannot be larger than shares')
  // Each share would be the whole key: copies, and a false comfort.
  if (shares > 1 && threshold === 1) throw invalid('threshold must be greater than one for multiple shares')
  return { shares, threshold }
}

function invalid(what: string): BrokerError {
  return new BrokerError('invalid_request', `invalid seal configuration: ${what}`)
}
