import { statSync } from 'node:fs'
import { createPublicKey } from 'node:crypto'
import { openLines, tellVerdict, verifyTrail } from '../../audit/verify.ts'
import type { VerifyOptions } from '../../audit/verify.ts'
import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { textAt } from '../json-at.ts'
import { Progress } from '../progress.ts'
import { readNamedFile } from '../settings.ts'
import { UsageError } from '../usage-error.ts'

export const auditVerify: CliCommand = {
  name: 'audit verify',
  summary: 'check an audit trail without the server, and name the first bad line',
  takes: { '<files...>': 'the trail; after a rotation its files in order' },
  options: {
    '--key <file>': "the server's checkpoint key, PEM, kept from an earlier day",
    '--key-from-server': 'ask the server for it',
    '--head <node:number:hash...>': 'a line that was seen elsewhere and must be there: an earlier verification names its heads'
  },
  details: `Without a key only the chain is checked, and whoever can write the file can write the whole chain anew. What was cut off at the end cannot be seen from the file:
keep a head elsewhere. Exit code: 0 it holds, 2 it does not, 1 error.`,
  examples: ['mayfly audit verify --key checkpoint.pem audit.jsonl', 'mayfly audit verify --key-from-server audit.jsonl.1 audit.jsonl'],
  run: async invocation => {
    const { typed, terminal } = invocation
    for (const file of typed.args)
      if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw new UsageError(`${file}: expected a file, found a folder`)
    const key = await publicKey(invocation)
    const anchors = typed.list('head').map(anchor)
    using progress = new Progress(invocation.io, 'reading')
    const verdict = await verifyTrail(counted(openLines(...typed.args), progress), {
      ...(key === undefined ? {} : { publicKey: key }),
      anchors
    })
    if (terminal.format === 'json') terminal.json(verdict)
    else terminal.say(...tellVerdict(verdict))
    return verdict.ok ? exitCode.done : exitCode.refused
  }
}

async function* counted<T>(lines: AsyncIterable<T>, progress: Progress): AsyncIterable<T> {
  let count = 0
  for await (const line of lines) {
    if (++count % 10_000 === 0) progress.say(`${count} lines`)
    yield line
  }
}

async function publicKey(invocation: Invocation): Promise<VerifyOptions['publicKey']> {
  const file = invocation.typed.text('key')
  if (invocation.typed.flag('keyFromServer')) {
    if (file !== undefined) throw new UsageError('name --key or --key-from-server, not both')
    const { data } = await invocation.request('GET', 'sys/audit/checkpoint-key')
    return parsed(textAt(data, 'public_key'), 'the key of the server')
  }
  return file === undefined ? undefined : parsed(readNamedFile(file), file)
}

function parsed(text: string, from: string) {
  try {
    return createPublicKey(text)
  } catch (error) {
    throw new UsageError(`${from}: expected a public key, PEM`, { cause: error })
  }
}

function anchor(text: string) {
  const [, node, seq, hash] = /^([A-Za-z0-9_.-]{1,64}):(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (node === undefined || seq === undefined || hash === undefined) throw new UsageError('head: expected node:number:hash')
  return { node, seq: Number(seq), hash }
}
