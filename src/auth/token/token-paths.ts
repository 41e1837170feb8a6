import { corePath } from '../../broker/door/core-path.ts'
import type { CorePath } from '../../broker/door/core-path.ts'
import { field } from '../../contracts/index.ts'
import { page, pageFields } from '../../broker/door/page.ts'
import { createFields, createToken } from './create-token.ts'
import { lookupAccessor, lookupSelf, lookupToken } from './lookup-token.ts'
import { renewAccessor, renewSelf, renewToken } from './renew-token.ts'
import { revokeAccessor, revokeOrphan, revokeSelf, revokeToken } from './revoke-token.ts'

const token = { token: field.text() }
const accessor = { accessor: field.text() }
const increment = { increment: field.duration() }

const tidied = "Tidy operation successfully started. Any information from the operation will be printed to Mayfly's server logs."

/** `auth/token/`: the method that every broker has, because what it makes is what a caller presents. */
export const tokenPaths: readonly CorePath[] = [
  corePath({
    pattern: 'create',
    summary: 'makes a token below the caller’s',
    fields: createFields,
    write: call => createToken(call, false)
  }),
  corePath({
    pattern: 'create-orphan',
    summary: 'makes a token without a parent',
    fields: createFields,
    write: call => createToken(call, true)
  }),

  corePath({ pattern: 'lookup-self', summary: 'what the caller’s token is', read: lookupSelf, write: lookupSelf }),
  corePath({ pattern: 'lookup', summary: 'what a token is', fields: token, read: lookupSelf, write: lookupToken }),
  corePath({ pattern: 'lookup-accessor', summary: 'what the token of an accessor is', fields: accessor, write: lookupAccessor }),

  corePath({ pattern: 'renew-self', summary: 'moves the end of the caller’s token', fields: increment, write: renewSelf }),
  corePath({ pattern: 'renew', summary: 'moves the end of a token', fields: { ...token, ...increment }, write: renewToken }),
  corePath({
    pattern: 'renew-accessor',
    summary: 'moves the end of the token of an accessor',
    fields: { ...accessor, ...increment },
    write: renewAccessor
  }),

  corePath({ pattern: 'revoke-self', summary: 'ends the caller’s token and all below it', write: revokeSelf }),
  corePath({ pattern: 'revoke', summary: 'ends a token and all below it', fields: token, write: revokeToken }),
  corePath({
    pattern: 'revoke-accessor',
    summary: 'ends the token of an accessor and all below it',
    fields: accessor,
    write: revokeAccessor
  }),
  corePath({ pattern: 'revoke-orphan', summary: 'ends a token; its children live on', fields: token, write: revokeOrphan }),

  corePath({
    pattern: 'accessors',
    summary: 'the accessors of all tokens',
    sudo: true,
    fields: pageFields,
    list: async ({ parts, fields }) => {
      const { after, limit } = page(fields)
      return { keys: await parts.store.accessors(after, limit) }
    }
  }),
  corePath({
    pattern: 'tidy',
    summary: 'looks at once for what is due',
    write: async call => {
      call.afterCommit(call.parts.wake)
      return { status: 202, warnings: [tidied] }
    }
  })
]
