import { compileAcl } from '../../policy/acl.ts'
import type { Identity } from './request.ts'

/** Who asks an open path without a token: nobody, with no right at all. */
export const anonymous: Identity = { token: null, acl: compileAcl([]) }
