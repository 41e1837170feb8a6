import { BrokerError } from 'mayfly/plugin'
import type { Ending } from './ending.ts'
import { oidsOf } from './ending.ts'
import { quoteLiteral, quoteOids, quoteTexts } from '../server/quote.ts'
import type { Row, Session } from '../server/session.ts'

/** Step 1, in one round trip and one commit: no login for whoever is proven ours by OID, or by mark where the OID was never learnt. Then reads back. */
export async function disableUsers(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<void> {
  const results = await session.run(disabling(endings), signal)
  const [state] = results.at(-3)?.rows ?? []
  // What a standby does not show may well be there.
  if (state?.['standby'] !== false) throw new BrokerError('target_unreachable', 'no primary answers: the host is a standby')
  const refused = refusals(state['failed'])
  const found = new Found(results.at(-2)?.rows ?? [])
  for (const ending of endings) judge(ending, found, refused)
}

// `tuple concurrently updated`: a renewal of the same user committed while we waited for it. The next attempt sees what it wrote.
const attemptsMax = 5

// `execute format` quotes the name as the server spells it. `when others` leaves out only a cancelled statement, which stops all.
const block = `do $mf$
declare r record; failed text := '';
begin
  perform pg_catalog.set_config('lock_timeout', '500ms', true);
  for r in
    select a.rolname, a.oid from pg_catalog.json_to_recordset(pg_catalog.current_setting('mayfly.users')::pg_catalog.json)
      as w(name pg_catalog.text, oid pg_catalog.oid, mark pg_catalog.text)
    join pg_catalog.pg_roles a on a.rolname = w.name::pg_catalog.name
    where a.oid = w.oid or (w.oid is null and pg_catalog.shobj_description(a.oid, 'pg_authid') = w.mark)
  loop
    for attempt in 1 .. ${attemptsMax} loop
      begin
        execute pg_catalog.format('alter role %I nologin connection limit 0 password null valid until ''-infinity''', r.rolname);
        exit;
      exception
        when undefined_object then exit;
        when others then
          continue when sqlstate = 'XX000' and attempt < ${attemptsMax};
          failed := failed || r.oid || ' ' || sqlstate || ' ';
          exit;
      end;
    end loop;
  end loop;
  perform pg_catalog.set_config('mayfly.failed', failed, true);
end $mf$`

function disabling(endings: readonly Ending[]): string {
  const wanted = endings.map(({ user, oid }) => ({ name: user.name, oid: oid ?? null, mark: user.mark }))
  return [
    'begin',
    // Nobody waits for it as for a creation: what the account's many users make slow must not be undone half-way.
    "set local statement_timeout = '60s'",
    `select pg_catalog.set_config('mayfly.users', ${quoteLiteral(JSON.stringify(wanted))}, true)`,
    block,
    "select pg_catalog.current_setting('mayfly.failed', true) as failed, pg_catalog.pg_is_in_recovery() as standby",
    `select oid, rolname as name, rolcanlogin as enabled, pg_catalog.shobj_description(oid, 'pg_authid') as mark from pg_catalog.pg_roles
       where rolname = any(${quoteTexts(endings.map(({ user }) => user.name))}::pg_catalog.name[]) or oid = any(${quoteOids(oidsOf(endings))})`,
    'commit'
  ].join(';\n')
}

function judge(ending: Ending, found: Found, refused: ReadonlyMap<number, string>): void {
  const { user, oid } = ending
  const row = oid === undefined ? found.byName(user.name) : found.byOid(oid)
  if (oid !== undefined) ending.failed = notThisOne(user.name, row, found.byName(user.name))
  else if (row && row.mark !== user.mark) ending.failed = refusal('a user of that name is there, without our mark: not ours, left alone')
  if (ending.failed || !row) return
  ending.present = true
  ending.oid = row.oid
  const state = refused.get(row.oid)
  if (state !== undefined)
    ending.failed = refusal(`the user could not be disabled: ${state}${state === '42501' ? ', the admin account lacks ADMIN on it' : ''}`)
  else if (row.enabled) ending.failed = refusal('the user may still log in')
}

/** Whoever took the name, or was given another one, is not the user that was issued. */
function notThisOne(name: string, ours: FoundUser | undefined, named: FoundUser | undefined): BrokerError | undefined {
  if (ours && ours.name !== name) return refusal('the user was renamed: left alone, somebody has to look')
  if (!ours && named) return refusal('the user was dropped and made anew by somebody else: left alone, somebody has to look')
  return undefined
}

interface FoundUser {
  readonly oid: number
  readonly name: string
  readonly enabled: boolean
  readonly mark: unknown
}

class Found {
  readonly #byOid = new Map<number, FoundUser>()
  readonly #byName = new Map<string, FoundUser>()

  constructor(rows: readonly Row[]) {
    for (const row of rows) {
      const user = { oid: Number(row['oid']), name: String(row['name']), enabled: row['enabled'] !== false, mark: row['mark'] }
      this.#byOid.set(user.oid, user)
      this.#byName.set(user.name, user)
    }
  }

  byOid = (oid: number): FoundUser | undefined => this.#byOid.get(oid)
  byName = (name: string): FoundUser | undefined => this.#byName.get(name)
}

/** `16404 42501 16405 55P03 `. */
function refusals(text: unknown): ReadonlyMap<number, string> {
  if (typeof text !== 'string') return new Map()
  return new Map(Array.from(text.matchAll(/(\d+) ([0-9A-Z]{5}) /g), ([, oid, state]) => [Number(oid), state!]))
}

const refusal = (message: string) => new BrokerError('target_refused', message)
