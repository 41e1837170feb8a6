import { path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'

/** Keys of a kind of role that was given up long ago: there are none. Scripts ask all the same. */
export const tidyDynamicKeysPath: Path = path({
  pattern: 'tidy/dynamic-keys',
  summary: 'removes keys of roles of a former kind',
  delete: async () => ({ data: { message: 'Removed 0 of 0 host keys.' } })
})
