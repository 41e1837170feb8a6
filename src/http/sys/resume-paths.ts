import { corePath } from '../../broker/door/core-path.ts'
import type { CorePath } from '../../broker/door/core-path.ts'
import { resume } from '../../broker/life/resume.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import { refuseUnknown } from './refuse-unknown.ts'

/** `sys/resume`: the operator's word on a store that is held. */
export const resumePaths: readonly CorePath[] = [
  corePath({
    pattern: 'resume',
    summary: 'lets a held store work again: as "restored" or as "copy"',
    sudo: true,
    fields: { as: field.text(), force: field.boolean() },
    write: async call => {
      refuseUnknown(call)
      const { as, force } = call.fields
      if (as !== 'restored' && as !== 'copy')
        throw new BrokerError(
          'invalid_request',
          'as: expected "restored" (it takes the place of the original) or "copy" (the original lives on)'
        )
      return resume(call, as, force ?? false)
    }
  })
]
