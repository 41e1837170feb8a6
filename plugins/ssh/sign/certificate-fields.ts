import { field } from 'mayfly/plugin'
import type { z } from 'mayfly/plugin'
import { optionMap } from '../roles/option-map.ts'

/** What a caller may say of the certificate that he wants. */
export const certificateFields = {
  ttl: field.duration(),
  valid_principals: field.text(),
  cert_type: field.text(),
  key_id: field.text(),
  critical_options: optionMap(),
  extensions: optionMap()
}
export type CertificateFields = z.output<z.ZodObject<typeof certificateFields>>
