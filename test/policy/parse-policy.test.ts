import { expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/errors.ts'
import type { Rule } from '../../src/policy/rule.ts'
import { parsePolicy } from '../../src/policy/parse-policy.ts'

const parse = (text: string): readonly Rule[] => parsePolicy('app', text).rules
const summary = (text: string) => parse(text).map(rule => [rule.path, [...rule.capabilities].toSorted().join(' ')])

/** The message of the refusal, which is always an invalid_request. */
function refusal(text: string): string {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'invalid_request') return error.message.replace('failed to parse policy: ', '')
    throw error
  }
  return 'accepted'
}

test('the language in one text', () => {
  const [issue, deploy, more] = parse(`
    # a comment
    // another
    /* and a
       third */
    name = "app"
    path "database/creds/{{identity.entity.name}}-ro" { capabilities = ["read"] }
    path "aws/+/deploy" {
      comment             = "for the pipeline"
      capabilities        = ["read", "update",]
      allowed_parameters  = { "ttl" = ["15m", "1h"], "*" = [] }
      denied_parameters   { role_session_name = ["root*"] }
      required_parameters = ["TTL"]
      min_wrapping_ttl    = "1m"
      max_wrapping_ttl    = 3600
    }
    path = { "/x" = { "policy" = "read" } }
  `)
  expect(issue).toMatchObject({ path: 'database/creds/{{identity.entity.name}}-ro', capabilities: new Set(['read']) })
  expect(deploy).toEqual({
    path: 'aws/+/deploy',
    capabilities: new Set(['read', 'update']),
    allowed: new Map([
      ['ttl', ['15m', '1h']],
      ['*', []]
    ]),
    denied: new Map([['role_session_name', ['root*']]]),
    required: new Set(['ttl']),
    wrapSecondsMin: 60,
    wrapSecondsMax: 3600
  })
  expect(more).toMatchObject({ path: 'x', capabilities: new Set(['read', 'list']) })
})

test.each([
  ['deny', 'deny'],
  ['read', 'list read'],
  ['write', 'create delete list read update'],
  ['sudo', 'create delete list read sudo update']
])('the old form policy = "%s" means %s', (word, granted) => {
  expect(summary(`path "sys" { policy = "${word}" }`)).toEqual([['sys', granted]])
})

test('the old form and capabilities add up, and deny wins', () => {
  expect(summary('path "a" { policy = "read" capabilities = ["update"] }')).toEqual([['a', 'list read update']])
  expect(summary('path "a" { policy = "deny" capabilities = ["update"] }')).toEqual([['a', 'deny']])
})

test.each([
  ['an object', '{"path":{"database/creds/*":{"capabilities":["read"]},"b":{"policy":"deny"}}}'],
  [
    'lists of blocks, as converters write them',
    '{"name":"n","path":[{"database/creds/*":[{"capabilities":["read"]}]},{"b":{"policy":"deny"}}]}'
  ],
  ['escapes', String.raw`{"path":{"database\/creds\/\u002a":{"capabilities":["re\u0061d"]},"b":{"policy":"deny"}}}`],
  [
    'blanks and a byte order mark',
    '\ufeff \r\n\t{ "path" : { "database/creds/*" : { "capabilities" : [ "read" ] } , "b" : { "policy" : "deny" } } } \n'
  ]
])('JSON: %s', (_title, text) => {
  expect(summary(text)).toEqual([
    ['database/creds/*', 'read'],
    ['b', 'deny']
  ])
})

const twice = (one: string, two: string) => `{"path":{"a":{"capabilities":["${one}"]},"a":{"capabilities":["${two}"]}}}`

test('a path that stands twice in JSON keeps its deny, whichever comes last', () => {
  expect(summary(twice('deny', 'read'))).toEqual([
    ['a', 'deny'],
    ['a', 'read']
  ])
  expect(summary('{"path":{"a":{"capabilities":["deny"],"capabilities":["read"]}}}')).toEqual([['a', 'deny']])
})

test('an attribute that stands twice is united', () => {
  expect(summary('path "a" { capabilities = ["read"] capabilities = ["list"] }')).toEqual([['a', 'list read']])
})

test('an empty text, comments alone and {} are policies without rules', () => {
  for (const text of ['', ' \n', '# nothing', '{}', 'path = {}', 'name = "app"']) expect(parse(text)).toEqual([])
})

test('string escapes stand for what they say', () => {
  expect(parse(String.raw`path "a\"b\\c\u00e9\U0001f600" {}`)[0]?.path).toBe('a"b\\cé😀')
})

test.each([
  ['path "a" { capabilites = ["read"] }', 'line 1: unknown key "capabilites"'],
  ['path "a" {\n  Capabilities = ["read"]\n}', 'line 2: unknown key "Capabilities"'],
  ['path "a" { capabilities = ["Read"] }', 'line 1: unknown capability "Read"'],
  ['path "a" { capabilities = ["read", "root"] }', 'line 1: unknown capability "root"'],
  ['path "a" { policy = "admin" }', 'line 1: unknown policy "admin"'],
  ['paths "a" {}', 'line 1: unknown key "paths"'],
  ['path "a" "b" {}', 'line 1: unexpected text'],
  ['path "a" { "b" {} }', 'line 1: unknown key "b"'],
  ['path "a" { constructor = 1 }', 'line 1: unknown key "constructor"'],
  ['path { capabilities = ["read"] }', 'line 1: "capabilities": expected a block'],
  ['path "a" = "read"', 'line 1: "a": expected a block'],
  ['path "a" { policy : "read" }', "line 1: unexpected ':'"],
  ['{"path":{"a":{"allowed_parameters":null}}}', 'line 1: "allowed_parameters": expected a block'],
  ['{"path":{"a":{"capabilities":null}}}', 'line 1: "capabilities": expected a list of strings'],
  ['path = "a"', 'line 1: "path": expected a block'],
  ['path "a" { capabilities = "read" }', 'line 1: "capabilities": expected a list of strings'],
  ['path "a" { capabilities = [1] }', 'line 1: "capabilities": expected a list of strings'],
  ['path "a" { required_parameters = { a = [] } }', 'line 1: "required_parameters": expected a list of strings'],
  ['path "a" { allowed_parameters = ["a"] }', 'line 1: "allowed_parameters": expected a block'],
  ['path "a" { denied_parameters = { "x" = "v" } }', 'line 1: expected a list of the values of a parameter'],
  ['path "a" { allowed_parameters = { "*" = ["a"] } }', 'line 1: allowed_parameters: the list of "*" must be empty'],
  ['path "a" { allowed_parameters = { "x" = [{ k = 1 k = 2 }] } }', 'line 1: a key stands twice in a value'],
  ['path "a" { min_wrapping_ttl = "soon" }', 'line 1: "min_wrapping_ttl": expected a duration'],
  ['path "a" { min_wrapping_ttl = 1.5 }', 'line 1: "min_wrapping_ttl": expected a duration'],
  ['path "a" { min_wrapping_ttl = -1 }', 'line 1: "min_wrapping_ttl": expected a duration'],
  ['path "a" { max_wrapping_ttl = ["1m"] }', 'line 1: "max_wrapping_ttl": expected a duration'],
  ['path "a" { max_wrapping_ttl = "500ms" }', 'line 1: "max_wrapping_ttl": expected at least one second'],
  ['path "a" {\n max_wrapping_ttl = "1m"\n min_wrapping_ttl = "2m" }', 'line 1: max_wrapping_ttl cannot be less than min_wrapping_ttl'],
  ['path "a/+*" {}', "line 1: '+*' in a path is forbidden"],
  ['path "cafe\u0301" { policy = "deny" }', 'line 1: a path is not in Unicode form NFC'],
  ['path "{{identity.entity.nam}}" {}', 'line 1: unknown template reference'],
  ['path "{{}}" {}', 'line 1: unknown template reference'],
  ['path "{{identity.entity.name" {}', 'line 1: template braces do not match'],
  ['path "identity.entity.name}}" {}', 'line 1: template braces do not match'],
  ['path "a" { capabilities = ["read" "list"] }', 'line 1: unexpected text'],
  ['path "a" { capabilities = [read] }', 'line 1: a value without quotes'],
  ['path "a" { capabilities = ["read"]', 'line 1: unexpected end'],
  ['path "a" { } }', "line 1: unexpected '}'"],
  ['path "a\n" {}', 'line 1: a string without an end, or with an unknown escape'],
  ['path "a', 'line 1: a string without an end, or with an unknown escape'],
  [String.raw`path "a\q" {}`, 'line 1: a string without an end, or with an unknown escape'],
  [String.raw`path "\ud800" {}`, 'line 1: half a surrogate pair in a string'],
  [String.raw`path "\U00110000" {}`, 'line 1: an escape beyond Unicode'],
  ['path "a" { comment = <<EOF\nx\nEOF\n}', 'line 1: a heredoc is not supported'],
  ['/* never closed', 'line 1: unexpected character'],
  ['path "a" { denied_parameters = { x = [9007199254740993] } }', 'line 1: a number too large to be kept exactly'],
  ['path "a" { denied_parameters = { x = [1e309] } }', 'line 1: a number too large to be kept exactly'],
  ['path "a" { denied_parameters = { x = [010] } }', 'line 1: unexpected character'],
  ['{"path" = {"a":{"policy":"deny"}}}', "line 1: unexpected '='"],
  ['{"path":{}} {"path":{}}', "line 1: unexpected '{'"],
  [`path "a" { denied_parameters = { x = [${'['.repeat(99_999)}`, 'line 1: nested deeper than 16 levels'],
  ['{"a":'.repeat(99_999), 'line 1: nested deeper than 16 levels'],
  ['#'.repeat(1_048_577), 'longer than 1048576 characters']
])('%.60s is refused: %s', (text, message) => {
  expect(refusal(text)).toBe(message)
})

test.each(['mfa_methods', 'control_group', 'pagination_limit', 'expiration', 'list_scan_response_keys_filter_path'])(
  '%s restricts elsewhere and is refused by name, never ignored',
  key => {
    expect(refusal(`path "a" { capabilities = ["read"] ${key} = "x" }`)).toBe(`line 1: ${key} would restrict, but is not enforced here`)
  }
)

test('a refusal repeats nothing that could be a secret', () => {
  for (const text of [
    'hvs.c4n4ry',
    '{"data": "hvs.c4n4ry"',
    'path "a" { "hvs.c4n4ry" = 1 }',
    'path "a" { capabilities = ["hvs.c4n4ry"] }',
    '{"hvs.c4n4ry": 1}'
  ])
    expect(refusal(text)).not.toMatch(/c4n4ry|accepted/)
})

test('no text can become root or response-wrapping', () => {
  for (const name of ['root', 'response-wrapping']) expect(() => parsePolicy(name, '')).toThrow(`cannot update "${name}" policy`)
})
