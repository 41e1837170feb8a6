import { field, z } from 'mayfly/plugin'
import { optionMap, toObject } from './option-map.ts'

/** A comma list that is kept as the text it was written as; lists come from some clients. */
const commaText = () =>
  z.preprocess(
    value => (Array.isArray(value) ? value.join(',') : value === null ? undefined : value),
    z.string('expected text, names with commas between').optional()
  )

const lengths = () => z.preprocess(toObject, z.record(z.string(), lengthList(), 'expected a map from key types to lengths').optional())

const lengthList = () =>
  z.preprocess(
    value => (Array.isArray(value) ? value : [value]).map(one => (typeof one === 'string' && /^-?\d{1,6}$/.test(one) ? Number(one) : one)),
    z.array(z.int('expected an integer, or a list of them'))
  )

export const roleFields = {
  key_type: field.text(),
  allow_user_certificates: field.boolean(),
  allow_host_certificates: field.boolean(),
  default_user: field.text(),
  default_user_template: field.boolean(),
  allowed_users: commaText(),
  allowed_users_template: field.boolean(),
  allowed_domains: commaText(),
  allowed_domains_template: field.boolean(),
  allow_bare_domains: field.boolean(),
  allow_subdomains: field.boolean(),
  allow_user_key_ids: field.boolean(),
  key_id_format: field.text(),
  allowed_critical_options: commaText(),
  allowed_extensions: commaText(),
  default_critical_options: optionMap(),
  default_extensions: optionMap(),
  default_extensions_template: field.boolean(),
  allowed_user_key_lengths: lengths(),
  algorithm_signer: field.text(),
  ttl: field.duration(),
  max_ttl: field.duration(),
  not_before_duration: field.duration(),
  allow_empty_principals: field.boolean(),
  allow_commas_in_identity_templates: field.boolean(),
  issuer_ref: field.text(),
  port: field.integer(),
  cidr_list: commaText(),
  exclude_cidr_list: commaText(),
  // Mayfly's own.
  require_fido: field.boolean(),
  lease_outlives_token: field.boolean()
}
export type RoleFields = z.output<z.ZodObject<typeof roleFields>>
