/** A template as it was understood: every call names a function that there is, and has arguments of the kinds that it wants. */
export type Template = readonly Part[]

export type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'action'; readonly value: Expression }
  | { readonly kind: 'choice'; readonly condition: Expression; readonly met: Template; readonly unmet: Template }

export type Expression =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'field'; readonly field: Field; readonly at: number }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[]; readonly at: number }

export type Field = 'DisplayName' | 'RoleName'
