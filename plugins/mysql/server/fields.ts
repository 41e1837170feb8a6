import { field } from 'mayfly/plugin'
import type { z } from 'mayfly/plugin'

/** The fields of `config/:name` that this driver knows. `connection_url`, or `host` and those beside it. */
export const connectionFields = {
  connection_url: field.text(),
  host: field.commaList(),
  port: field.integer(),
  database: field.text(),
  username: field.text(),
  password: field.text(),
  tls: field.text(),
  tls_ca: field.text(),
  tls_certificate_key: field.text(),
  tls_server_name: field.text(),
  tls_skip_verify: field.boolean(),
  connect_timeout: field.duration(),
  max_open_connections: field.integer(),
  max_idle_connections: field.integer(),
  max_connection_lifetime: field.duration()
}
export type ConnectionFields = z.output<z.ZodObject<typeof connectionFields>>
