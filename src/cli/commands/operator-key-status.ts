import type { Json } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { isObject, textAt } from '../json-at.ts'
import { showFields } from '../show-fields.ts'

export const operatorKeyStatus: CliCommand = {
  name: 'operator key-status',
  summary: 'show the key that seals what is stored, and what older keys still hold',
  hasFields: true,
  examples: ['mayfly operator key-status', 'mayfly operator key-status -format=json | jq .data.encryptions'],
  run: async invocation => {
    const envelope = await invocation.request('GET', 'sys/key-status')
    const { resealing, ...fields } = envelope.data ?? {}
    return showFields(invocation, { ...fields, resealing: told(resealing) }, envelope)
  }
}

/** A pass in one line. */
function told(pass: Json | undefined): string {
  if (!isObject(pass)) return 'no'
  const { below, resealed, unreadable } = pass
  return `under key ${Number(below)}: ${Number(resealed)} rows so far, now of ${textAt(pass, 'table')}${unreadable === 0 ? '' : `; ${Number(unreadable)} do not open`}`
}
