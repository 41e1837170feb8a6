import { z } from 'mayfly/plugin'

const names = z.array(z.string())
const orNone = <T extends z.ZodType>(items: T) =>
  z
    .array(items)
    .nullable()
    .transform(found => found ?? [])

/** What `rightsQuery` answers: read, not believed. */
export const rightsSeen = z.object({
  attributes: names,
  groups: orNone(z.object({ name: z.string(), admin: z.boolean() })),
  becomes: orNone(z.object({ name: z.string(), attributes: names })),
  database: z.object({ name: z.string(), may: names }),
  schemas: orNone(z.object({ name: z.string(), may: names })),
  relations: orNone(z.object({ schema: z.string(), name: z.string(), kind: z.string(), may: names, columns: z.boolean() })),
  relationCount: z.number(),
  unreached: orNone(z.string()),
  more: z.boolean(),
  directCount: z.number(),
  fullest: z.number().nullable(),
  ownedCount: z.number()
})
export type RightsSeen = z.output<typeof rightsSeen>
