/** Where a reply of ours differs from OpenBao's on purpose. */
export interface StatedDifference {
  readonly why: string
  readonly seen: readonly string[]
}

const more = (...keys: readonly string[]) => keys.map(key => `${key} here, absent there`)
const less = (...keys: readonly string[]) => keys.map(key => key.replace(/: /, ': absent here, ') + ' there')
const text = (ours: string, theirs: string, key = 'errors') => [`${key}: ${JSON.stringify([ours])} here, ${JSON.stringify([theirs])} there`]

const guarantees = (at: string) =>
  more(
    `${at}: object`,
    `${at}.diesByItself: boolean`,
    `${at}.endsSessions: boolean`,
    `${at}.listable: boolean`,
    `${at}.observable: string`,
    `${at}.revocable: string`
  )

const lease: StatedDifference = {
  why: 'a lease tells who holds it, how far its ending is and what can be promised of it',
  seen: [
    ...more(
      'data.accessor: string',
      'data.cause: null',
      'data.display_name: string',
      'data.ended_time: null',
      'data.entity_id: string',
      'data.first_seen: null'
    ),
    ...guarantees('data.guarantees'),
    ...more(
      'data.last_seen: null',
      'data.mount: string',
      'data.outlives_token: boolean',
      'data.remote_address: string',
      'data.revoked_time: null',
      'data.role: string',
      'data.seen_from: empty list'
    ),
    ...more('data.state: string', 'data.target: string', 'data.uses: number', 'data.visible: object', 'data.visible.username: string')
  ]
}

const warned = (warning: string) => ['reply status: 200 here, 204 there', `warnings: ${JSON.stringify([warning])} here, absent there`]
const refused = (error: string) => ['reply status: 400 here, 200 there', `errors: ${JSON.stringify([error])} here, absent there`]

const sentence = (ours: string, theirs: string): StatedDifference => ({
  why: 'one plain sentence, which says where',
  seen: text(ours, theirs)
})

const nothingThere: StatedDifference = {
  why: 'a miss is exactly {"errors":[]}, so that nobody learns which misses there are',
  seen: ['errors: [] here, ["1 error occurred:\\n\\t* policy does not exist\\n\\n"] there']
}

const policyVersions = (at: string) =>
  less(
    `${at}allow_slashes_in_identity_templates: boolean`,
    `${at}allow_wildcards_in_identity_templates: boolean`,
    `${at}cas_required: boolean`,
    `${at}modified: string`,
    `${at}version: number`
  )

const policy = (seen: readonly string[]): StatedDifference => ({
  why: 'policies have no versions here, and hvac wants exactly the name and the text',
  seen
})

const tuning: StatedDifference = {
  why: 'options are always told, and so is what becomes of objects without a lease',
  seen: ['data.', ''].flatMap(at => more(`${at}options: object`, `${at}reconcile: string`, `${at}reconcile_after: number`))
}

const silentRole: StatedDifference = {
  why: 'a role that makes nobody is told so when it is written',
  seen: warned('creation_statements: no {{name}} in them: they make no user of ours, and each credential will fail')
}

const policyName = (more: readonly string[] = []): StatedDifference => ({
  why: 'a policy has one spelling: what is not of its alphabet is refused, not repaired',
  seen: [...refused('a policy name has characters outside a-z, 0-9, "_", "-", ".", "/"'), ...more]
})

const duration = (theirs: string): StatedDifference => ({
  why: 'no error repeats what was sent',
  seen: text('Field validation failed: ttl: not a duration: expected seconds, or text such as "1h30m", "90s", "2d"', theirs)
})

const tidied: StatedDifference = {
  why: 'our own name',
  seen: text(
    "Tidy operation successfully started. Any information from the operation will be printed to Mayfly's server logs.",
    "Tidy operation successfully started. Any information from the operation will be printed to OpenBao's server logs.",
    'warnings'
  )
}

export const statedDifferences: Readonly<Record<string, StatedDifference>> = {
  health: {
    why: 'newer clients of Vault want its four keys; two are ours',
    seen: more(
      'clock_skew_ms: number',
      'clock_suspect: boolean',
      'echo_duration_ms: number',
      'enterprise: boolean',
      'mayfly_version: string',
      'performance_standby: boolean'
    )
  },
  'key status': {
    why: 'it tells how far sealing anew has come after a rotation',
    seen: more('data.oldest_term: number', 'data.resealing: null', 'oldest_term: number', 'resealing: null')
  },
  'health with a code that is no number': {
    why: 'a refusal says what was wrong',
    seen: ['errors: ["activecode must be a status code from 200 to 599"] here, [] there']
  },
  'seal status': { why: 'Vault has a build date, and our own version is ours', seen: more('build_date: string', 'mayfly_version: string') },
  'read the tuning': tuning,
  'read the changed tuning': tuning,
  'tune the default above the maximum': {
    why: 'one sentence for enabling and tuning',
    seen: text(
      'given default lease TTL greater than given max lease TTL',
      'backend max lease TTL of 86400 would be less than backend default lease TTL of 172800'
    )
  },
  'tune what is not there': {
    why: 'it says what is missing',
    seen: text('No mount at nothing/', 'tune of path "nothing/" failed: no mount entry found')
  },
  'configure a connection': {
    why: 'who switches TLS off is told what is lost',
    seen: warned('sslmode=disable: no TLS, so whoever stands between can read and change everything that is sent')
  },
  'read a connection': {
    why: 'what its account may do in the target, what can be promised, and how the server does',
    seen: [
      ...more('data.check: object'),
      ...guarantees('data.check.guarantees'),
      ...more('data.check.missing: list', 'data.check.missing[]: string', 'data.check.version: string'),
      ...more('data.health: object', 'data.health.circuit: string', 'data.health.failures: number', 'data.health.state: string')
    ]
  },
  'look a lease up': lease,
  'look a renewed lease up': lease,
  'look its own lease up': lease,
  'tidy leases': tidied,
  'tidy tokens': tidied,
  'create an orphan': { why: 'strict clients want the list, empty as it is', seen: more('auth.token_policies: empty list') },
  'create with a TTL that is none': duration('time: invalid duration "x"'),
  'a fraction for a TTL': duration('time: missing unit in duration "1.5"'),
  'days and hours for a TTL': duration('time: unknown unit "d" in duration "1d12h"'),
  'what a caller may reach': {
    why: 'the default policy lets a caller end its own leases',
    seen: more(
      'data.exact_paths.sys/leases/revoke: object',
      'data.exact_paths.sys/leases/revoke.capabilities: list',
      'data.exact_paths.sys/leases/revoke.capabilities[]: string'
    )
  },
  'read a policy': policy(policyVersions('data.')),
  'read a policy by the old route': policy([...policyVersions(''), ...policyVersions('data.')].toSorted()),
  'read that policy': policy(policyVersions('data.')),
  'read that policy by the old route': policy([...policyVersions(''), ...policyVersions('data.')].toSorted()),
  'read the root policy': policy(policyVersions('data.').filter(line => !line.includes('modified'))),
  'write a policy that is none': {
    why: 'a mistake is named by its line',
    seen: text('failed to parse policy: line 1: unknown capability "fly"', 'failed to parse policy: path "x": invalid capability "fly"')
  },
  'patch in a type that nobody knows': {
    why: 'no error repeats what was sent',
    seen: text(
      'PATCH requires Content-Type of application/merge-patch+json',
      'PATCH requires Content-Type of application/merge-patch+json, provided text/plain'
    )
  },
  'a comma in one policy name': policyName(['warnings: absent here, ["Policy \\"default,other\\" does not exist"] there']),
  'a space around a policy name': policyName(['warnings: absent here, ["Policy \\"other\\" does not exist"] there']),
  'metadata as text': {
    why: 'an object as text is a map for every field of a map, not for some',
    seen: [
      'reply status: 200 here, 400 there',
      'errors: absent here, ["Field validation failed: error converting input for field \\"meta\\": invalid key pair \\"{\\\\\\"a\\\\\\":\\\\\\"b\\\\\\"}\\""] there',
      'warnings: null here, absent there'
    ]
  },
  'an id of its own with a dot': {
    why: 'the whole alphabet is told',
    seen: text('id: expected letters, digits, "_" and "-", at most 128', "custom token ID cannot have a '.' in the value")
  },
  'a text for a number': {
    why: 'the same, without the words of another language',
    seen: text(
      'Field validation failed: num_uses: expected an integer',
      "Field validation failed: error converting input for field \"num_uses\": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax"
    )
  },
  'an unknown type of token': {
    why: 'it says what is expected',
    seen: text(`invalid 'type' specified: expected "service"`, "invalid 'token_type' value")
  },
  'renew by less than nothing': {
    why: 'no error repeats what was sent',
    seen: text(
      'Field validation failed: increment: not a duration: expected seconds, or text such as "1h30m", "90s", "2d"',
      `Field validation failed: error converting input for field "increment": cannot provide negative value '-5'`
    )
  },
  'tune by an empty text, read back': tuning,
  'tune by a number, read back': tuning,
  'tune back to the system, read back': tuning,
  'a role in text': silentRole,
  'a role in lists': silentRole,
  'a policy in base64, read back': policy(policyVersions('data.')),
  'a body that is a list': {
    why: 'the same, without the words of another language',
    seen: text(
      'failed to decode JSON input: expected an object',
      'failed to decode JSON input: json: cannot unmarshal array into Go value of type map[string]interface {}'
    )
  },
  'write one without a text': sentence('missing policy', '1 error occurred:\n\t* missing policy\n\n'),
  'write one that is none': sentence(
    'invalid password policy: line 1: unexpected end',
    '1 error occurred:\n\t* invalid password policy: 2 errors occurred:\n\t* length must be > 0\n\t* no charset specified\n\n\n\n'
  ),
  'write one that is too short': sentence(
    'passwords must be between 4 and 100 characters',
    '1 error occurred:\n\t* passwords must be between 4 and 100 characters\n\n'
  ),
  'write one that cannot be met': sentence(
    'unable to construct test password from provided policy: are the rules impossible? they ask for 21 characters of 20',
    '1 error occurred:\n\t* invalid password policy: 1 error occurred:\n\t* specified rules require at least 21 characters but 20 is specified\n\n\n\n'
  ),
  'read a password policy that is not there': nothingThere,
  'generate by one that is not there': nothingThere
}
