import { BrokerError, field } from '../../contracts/index.ts'

// A list is for people and small tools; 10,000 ids are a megabyte. What is beyond is asked for with `after`.
export const pageSizeMax = 10_000

export const pageFields = { after: field.text(), limit: field.integer() }

/** One page of a list, always bounded. -1 is how clients that page write "as many as there are". */
export function page(fields: { readonly after?: string | undefined; readonly limit?: number | undefined }): {
  readonly after: string
  readonly limit: number
} {
  const { limit = -1 } = fields
  if (limit !== -1 && limit < 1) throw new BrokerError('invalid_request', 'limit: expected a number above 0')
  return { after: fields.after ?? '', limit: limit === -1 ? pageSizeMax : Math.min(limit, pageSizeMax) }
}
