import { unhandled } from 'mayfly/plugin'

export type EcdsaType = 'ecdsa-sha2-nistp256' | 'ecdsa-sha2-nistp384' | 'ecdsa-sha2-nistp521'

interface Curve {
  readonly name: string
  readonly jwkName: string
  readonly hash: string
  readonly coordinateBytes: number
}

/** RFC 5656 sections 3.1, 6.2.1 and 10.1: each curve has one hash. */
export function curveOf(type: EcdsaType): Curve {
  switch (type) {
    case 'ecdsa-sha2-nistp256':
      return { name: 'nistp256', jwkName: 'P-256', hash: 'sha256', coordinateBytes: 32 }
    case 'ecdsa-sha2-nistp384':
      return { name: 'nistp384', jwkName: 'P-384', hash: 'sha384', coordinateBytes: 48 }
    case 'ecdsa-sha2-nistp521':
      return { name: 'nistp521', jwkName: 'P-521', hash: 'sha512', coordinateBytes: 66 }
    default:
      return unhandled(type)
  }
}
