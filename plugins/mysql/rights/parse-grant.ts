/** One line of `show grants`, read so far as it tells what somebody may do. What is behind the account (`identified by …`) is never looked at. */
export type Grant =
  | { readonly kind: 'rights'; readonly may: readonly string[]; readonly on: string; readonly grantable: boolean }
  | { readonly kind: 'roles'; readonly roles: readonly string[]; readonly admin: boolean }

const name = '(?:`(?:[^`]|``)*`|[^ `]+?)'
const rightsPattern = new RegExp(`^GRANT (.+?) ON ((?:(?:PROCEDURE|FUNCTION|PACKAGE|PACKAGE BODY) )?${name}(?:\\.${name})?) TO (.*)$`, 's')
const rolesPattern = /^GRANT (.+) TO ([^]*)$/

/** Nothing for what is no grant, such as MariaDB's `SET DEFAULT ROLE`. */
export function parseGrant(line: string): Grant | undefined {
  const [, rights, on, to = ''] = rightsPattern.exec(line) ?? []
  if (rights !== undefined && on !== undefined)
    return { kind: 'rights', may: split(rights).map(withoutColumns), on: shownObject(on), grantable: / WITH GRANT OPTION/.test(to) }
  const [, roles, holder = ''] = rolesPattern.exec(line) ?? []
  if (roles === undefined) return undefined
  return { kind: 'roles', roles: split(roles).map(withoutHost), admin: / WITH ADMIN OPTION/.test(holder) }
}

/** At commas outside of names and of columns. */
function split(text: string): readonly string[] {
  return [...text.matchAll(/(?:`(?:[^`]|``)*`|\([^)]*\)|[^,`(])+/g)].map(([part]) => part.trim()).filter(part => part !== '')
}

const withoutColumns = (right: string): string => right.replace(/\s*\(.*\)$/s, () => ' (some columns)')
const withoutHost = (role: string): string => unquoted(/^`(?:[^`]|``)*`|^[^@]+/.exec(role)?.[0] ?? role)

/** `*.*`, `` `app`.* ``, `` `app`.`orders` ``, `` PROCEDURE `app`.`p` ``. */
function shownObject(on: string): string {
  if (on === '*.*') return 'everything'
  const [, kind = '', names = on] = /^(PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) (.*)$/s.exec(on) ?? []
  const parts = [...names.matchAll(/`(?:[^`]|``)*`|[^.`]+/g)].map(([part]) => unquoted(part))
  if (kind !== '') return `${kind.toLowerCase()} ${parts.join('.')}`
  return parts[1] === '*' ? `schema ${parts[0]}` : `table ${parts.join('.')}`
}

const unquoted = (text: string): string => (text.startsWith('`') ? text.slice(1, -1).replaceAll('``', () => '`') : text)
