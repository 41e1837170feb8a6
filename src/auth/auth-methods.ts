import type { AuthMethodType } from '../contracts/index.ts'
import { approle } from './approle/approle.ts'

/** What `sys/auth` may enable. Tokens are no method of these: they are part of the broker. */
export const authMethods: ReadonlyMap<string, AuthMethodType> = new Map([approle].map(method => [method.type, method]))
