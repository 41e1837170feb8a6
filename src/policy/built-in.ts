import { emptyRule } from './rule.ts'
import type { Policy } from './rule.ts'

/** Passes everything, by its name; its text is empty and cannot be written. */
export const rootPolicy: Policy = { name: 'root', rules: [] }

/** What a wrapping token may do, and nobody else is given. */
export const wrappingPolicy: Policy = {
  name: 'response-wrapping',
  rules: [{ ...emptyRule('sys/wrapping/unwrap'), capabilities: new Set(['update'] as const) }]
}

/** The first text of `default`, which every token gets unless it asks not to; operators may edit it.
 *
 *  The three lease paths are for the caller's *own* leases: who may reach somebody else's is a second question, `sys/leases/renew/<lease path>` (or
 *  `lookup`, `revoke`) put to the same ACL. In Vault this policy lets any token that learns a lease id renew that lease. */
export const defaultPolicyText = `# The token itself
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# What it may do
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# Who it belongs to
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Its own leases: another's need a rule that names them, such as sys/leases/renew/database/creds/app/*
path "sys/leases/lookup" {
  capabilities = ["update"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/leases/revoke" {
  capabilities = ["update"]
}

# Its cubbyhole
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Wrapped replies
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Hashes
path "sys/tools/hash" {
  capabilities = ["update"]
}
path "sys/tools/hash/*" {
  capabilities = ["update"]
}
`
