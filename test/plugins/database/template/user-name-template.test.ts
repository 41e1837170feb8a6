import { describe, expect, test } from 'vitest'
import { bitsOf } from '../../../../plugins/database/name/template/chance-text.ts'
import { goTime } from '../../../../plugins/database/name/template/go-time.ts'
import { parseTemplate } from '../../../../plugins/database/name/template/parse-template.ts'
import { renderTemplate } from '../../../../plugins/database/name/template/render-template.ts'
import { nameByTemplate, refuseUserNameTemplate } from '../../../../plugins/database/name/user-name-template.ts'
import { systemRandom } from '../../../../src/system-clock.ts'
import { seededRandom } from '../../../sim/seeded-random.ts'

const now = Temporal.Instant.from('2026-11-22T21:05:09.25Z')
const world = { now, random: systemRandom, bytesMax: 63 }
const postgresDefault =
  '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}'
const mysqlDefault =
  '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time) | truncate 32 }}'
const rdsDefault = '{{ printf "v-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}'

/** The text that an expression makes for `userpass-bob` and `readonly`. */
function made(template: string): string {
  return renderTemplate(parseTemplate(template), { ...world, fields: { DisplayName: 'userpass-bob', RoleName: 'readonly' } }).text
}

const nameOf = (template: string, displayName = 'userpass-bob', roleName = 'readonly', bytesMax = 63) =>
  nameByTemplate(template, { ...world, bytesMax, displayName, roleName })

describe('a template of user names', () => {
  test.each([
    [postgresDefault, 63, /^v-userpass-readonly-[0-9A-Za-z]{20}-1795381509$/],
    [mysqlDefault, 32, /^v-userpass-b-readonly-[0-9A-Za-z]{10}$/],
    [rdsDefault, 16, /^v-read-[0-9A-Za-z]{9}$/],
    ['{{.RoleName}}_{{uuid | replace "-" "" | truncate 24}}', 600, /^readonly_[0-9a-f]{24}$/],
    ['v_{{random 20}}', 63, /^v_[0-9A-Za-z]{20}$/],
    ['{{.RoleName | truncate_sha256 20}}-{{random 12 | lowercase}}', 63, /^readonly-[0-9a-z]{12}$/],
    [
      '{{if eq .RoleName "readonly"}}ro{{else if .DisplayName}}{{.DisplayName | truncate 5}}{{else}}x{{end}}-{{random 9}}',
      63,
      /^ro-[0-9A-Za-z]{9}$/
    ]
  ])('%s makes names within %i bytes', (template, bytesMax, name) => {
    refuseUserNameTemplate(template, { ...world, bytesMax })
    const names = Array.from({ length: 200 }, () => nameOf(template, undefined, undefined, bytesMax))
    for (const one of names) expect(one).toMatch(name)
    expect(new Set(names).size).toBe(200)
  })

  test.each([
    ['{{"a b" | uppercase}}', 'A B'],
    ['{{`a"b` | lowercase}}', 'a"b'],
    ['{{"a\\"b\\\\"}}', 'a"b\\'],
    ['{{replace "-" "." .DisplayName}}', 'userpass.bob'],
    ['{{.DisplayName | replace "s" ""}}', 'uerpa-bob'],
    ['{{sha256 "abc"}}', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['{{hex "az"}}{{decode_hex "617a"}}', '617aaz'],
    ['{{base64 "abcd"}}{{decode_base64 "YWJjZA=="}}', 'YWJjZA==abcd'],
    ['{{truncate 3 .RoleName}}', 'rea'],
    ['{{truncate 99 .RoleName}}', 'readonly'],
    // The digest of what was cut off, "serpass-bob".
    ['{{truncate_sha256 9 .DisplayName}}', 'ud2c1832d'],
    ['{{unix_time}} {{unix_time_millis}}', '1795381509 1795381509250'],
    ['{{timestamp "2006-01-02T15:04:05Z"}}', '2026-11-22T21:05:09Z'],
    ['{{printf "%s-%d-%v-%v%%" .RoleName 7 8 "x"}}', 'readonly-7-8-x%'],
    ['{{42}}', '42'],
    ['a {{- " b " -}} c', 'a b c'],
    ['{{if and .RoleName (not (eq .RoleName "x" "y"))}}1{{end}}{{if ne 1 1}}2{{end}}{{if or "" 0}}3{{end}}', '1'],
    ['{{if glob "user*-*" .DisplayName}}person{{else}}machine{{end}}', 'person'],
    ['{{if eq .RoleName "readonly"}}{{if eq 1 2}}a{{else}}b{{end}}{{end}}', 'b'],
    ['{{ .RoleName|truncate 4|uppercase }}', 'READ'],
    ['{{uppercase (.RoleName | truncate 4)}}', 'READ']
  ])('%s is %j, as in Go', (template, text) => {
    expect(made(template)).toBe(text)
  })

  test('passes nothing through that is no letter, digit, `_` or `-`', () => {
    const name = nameOf('{{.DisplayName}}.{{.RoleName}}"; drop role x; --{{random 20}}', `x'"; DROP ROLE`, '$$\u0000é')
    expect(name).toMatch(/^x____DROP_ROLE_____{1,3}___drop_role_x__--[0-9A-Za-z]{20}$/)
  })

  test.each([
    ['{{random 20', 'character 12: an action without }}'],
    ['{{random 20)}}', 'character 12: expected }}'],
    ['{{(random 20}}', 'character 13: expected )'],
    ['{{}}', 'character 3: expected a value'],
    ['{{.DisplayName | }}', 'character 18: expected a value'],
    ['{{len .RoleName}}', 'character 3: unknown function "len", known are random, uuid, truncate'],
    ['{{.Token}}', 'character 3: unknown field ".Token", known are .DisplayName and .RoleName'],
    ['{{.}}', 'character 3: unexpected "."'],
    ['{{$x := 1}}', 'character 3: variables are not supported'],
    ['{{/* x */}}', 'character 3: comments are not supported'],
    ['{{range .RoleName}}{{end}}', 'character 3: range is not supported'],
    ['{{template "x"}}', 'character 3: template is not supported'],
    ['{{end}}', 'character 1: end without an if'],
    ['{{if .RoleName}}x', 'character 18: expected {{end}}'],
    ['{{if .RoleName}}x{{else}}y{{else}}z{{end}}', 'character 29: expected end'],
    ['{{random}}', 'character 3: random takes 1 argument, and is given 0'],
    ['{{random "8"}}', 'character 10: random: expected a number from 1 to 256 here, written out'],
    ['{{random 0}}', 'character 10: random: expected a number from 1 to 256'],
    ['{{random 257}}', 'character 10: random: expected a number from 1 to 256'],
    ['{{random 99999999}}', 'character 10: a number that is no whole number below 1,000,000'],
    ['{{truncate_sha256 8 .RoleName}}', 'character 19: truncate_sha256: expected a number from 9 to 256'],
    ['{{truncate .RoleName 8}}', 'character 12: truncate: expected a number'],
    ['{{uppercase 8}}', 'character 13: uppercase: expected a text here'],
    ['{{.RoleName 8}}', 'character 13: only a function takes arguments'],
    ['{{printf .RoleName}}', 'character 10: printf: expected the format as a text in quotes'],
    ['{{printf "%5s" .RoleName}}', 'character 10: printf: only %s, %d, %v and %% are supported'],
    ['{{printf "%s%s" .RoleName}}', 'character 10: printf: 2 verbs, and 1 values for them'],
    ['{{printf "%d" .RoleName}}', 'character 15: printf: %d does not fit this value'],
    ['{{eq .RoleName "x"}}', 'character 3: true or false is no part of a name: ask it in an if'],
    ['{{if eq (random 1) "a"}}x{{end}}', 'character 6: eq cannot be asked of what is random'],
    ['{{if random 8}}x{{end}}', 'character 6: a condition cannot hang on what is random'],
    ['v-{{random 20}}é', 'character 16: only ASCII is taken'],
    [`{{random 20}}${'x'.repeat(1_024)}`, 'character 1025: longer than 1024 characters'],
    ['{{if .RoleName}}x{{end}}'.repeat(7), 'more than 6 times if'],
    ['{{"a\\n"}}', 'character 3: a text in quotes without an end, or with an escape other than']
  ])('%s is refused: %s', (template, message) => {
    expect(() => refuseUserNameTemplate(template, world)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(message) })
    )
  })

  test.each([
    ['v-static', '0 bits of its names are random'],
    ['{{.DisplayName | truncate 10}}-{{unix_time_millis}}', '0 bits of its names are random'],
    ['{{random 7}}', '41 bits of its names are random'],
    ['{{random 9 | lowercase}}', '44 bits of its names are random'],
    ['{{sha256 (random 2) | truncate 60}}', '11 bits of its names are random'],
    ['{{random 4 | base64}}', '19 bits of its names are random'],
    ['{{replace "a" (random 20) .RoleName | truncate 60}}', '0 bits of its names are random'],
    ['{{random 20 | replace "a" "b"}}', '0 bits of its names are random'],
    ['{{.RoleName}}-{{random 20}}', 'it makes names of up to 533 bytes, and the server takes 63: let it end in "| truncate 63"'],
    ['{{printf "%s-%s" .RoleName (random 20) | truncate 63}}', '0 bits of its names are random'],
    ['{{if eq .RoleName "secret"}}app{{else}}{{random 20}}{{end}}', '0 bits of its names are random'],
    ['{{if .RoleName}}{{random 20}}{{else}}x{{end}}', '0 bits of its names are random'],
    ['{{decode_hex .RoleName}}{{random 20}}', 'decode_hex: what it is given is not hex'],
    [`{{"${'a'.repeat(50)}"${' | replace "a" "aaaaaaaaaa"'.repeat(4)}}}{{random 20}}`, 'it makes a text longer than 8192 bytes']
  ])('%s leaves no room, or not always: %s', (template, message) => {
    expect(() => refuseUserNameTemplate(template, world)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(message) })
    )
  })

  test('that the writing missed is refused when a name is made, and never cut', () => {
    const template = '{{if eq .RoleName "x"}}{{random 20}}{{end}}'
    expect(() => nameOf(template)).toThrow('username_template: 0 bits of its names are random')
    expect(() => nameOf('{{replace "a" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" .RoleName}}{{random 20}}', '', 'aaaa')).toThrow(
      'username_template: it makes names of up to'
    )
  })
})

test.each([
  ['2006-01-02 15:04:05.000', '2026-11-22 21:05:09.250'],
  ['Monday, 2 January 06 3:4:5 PM MST', 'Sunday, 22 November 26 9:5:9 PM UTC'],
  ['Mon Jan _2 03:04pm 002', 'Sun Nov 22 09:05pm 326'],
  ['20060102150405', '20261122210509'],
  ['_2006 __2 Z07:00 -0700 .99 Janet', '_2026 326 Z +0000 .25 Janet'],
  ['no layout', 'no layout']
])('the layout %j is written as Go writes it: %j', (layout, written) => {
  expect(goTime(now, layout)).toBe(written)
})

test('the bits that are promised are there: no more different texts than they allow', () => {
  // Every name of three bits' worth is seen among many, so what is counted bounds what was promised.
  for (const template of [
    '{{random 1}}',
    '{{random 1 | uppercase}}',
    '{{random 1 | hex}}',
    '{{random 1 | base64}}',
    '{{sha256 (random 1)}}',
    '{{random 1 | truncate_sha256 9}}'
  ]) {
    const rendered = Array.from({ length: 4_000 }, (_, seed) =>
      renderTemplate(parseTemplate(template), {
        now,
        random: seededRandom(`${template}${seed}`),
        fields: { DisplayName: '', RoleName: '' }
      })
    )
    const counts = Map.groupBy(rendered, ({ text }) => text)
    const likeliest = Math.max(...[...counts.values()].map(all => all.length)) / rendered.length
    // The likeliest text decides how easily one is met again. Half a bit and more for the dice.
    expect(bitsOf(rendered[0]!)).toBeLessThanOrEqual(-Math.log2(likeliest) + 0.6)
  }
})
