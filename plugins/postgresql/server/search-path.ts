/** Whoever may make objects in a database can plant an operator that fits better than the server's own (`numeric * integer`), wherever its schema stands in the path:
 *  it would run as the admin account (CVE-2018-1058). So our own SQL finds nothing but what is the server's. */
export const serverPath = 'set search_path = pg_catalog, pg_temp'

/** The operator's statements see what a session of the account sees; no setting of theirs lasts. */
export function underTheirPath(statements: readonly string[]): readonly string[] {
  return statements.length === 0 ? [] : ['set local search_path to default', ...statements, serverPath]
}
