import { field, path } from 'mayfly/plugin'
import type { MountReader, Path } from 'mayfly/plugin'

const key = 'config/principals'

type Config = { readonly rootByNameOnly: boolean }

/** Whether `allowed_users: "*"` leaves root out. Off, as on the wire. */
export async function rootByNameOnly(storage: MountReader): Promise<boolean> {
  return ((await storage.get(key))?.value as Config | undefined)?.rootByNameOnly ?? false
}

/** `config/principals`. */
export const principalsConfigPath: Path = path({
  pattern: 'config/principals',
  summary: 'rules for the names in certificates, for all roles of this mount',
  fields: { root_by_name_only: field.boolean() },
  read: async (_, storage) => ({ data: { root_by_name_only: await rootByNameOnly(storage) } }),
  write: async ({ fields }, storage) => {
    const stored = await storage.get(key)
    storage.put(key, { rootByNameOnly: fields.root_by_name_only ?? false } satisfies Config, stored?.version ?? 0)
    return undefined
  }
})
