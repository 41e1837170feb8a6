import { createHash } from 'node:crypto'
import type { AskingCall, AskingCommand, BrokerReply, CommandScreen } from '../../contracts/index.ts'
import { NothingThere, Refused } from '../../client/index.ts'
import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import { childEnvironment } from '../run/child-environment.ts'
import { runPlanned } from '../run/run-planned.ts'
import { connectionOf } from '../settings.ts'
import { table } from '../table.ts'

/** A plugin's command that asks the broker and prints. */
export function askingCommand(plugin: AskingCommand): CliCommand {
  const { name, summary, takes, options, details, examples, passesOn } = plugin
  return {
    name,
    summary,
    ...(takes && { takes }),
    ...(options && { options }),
    ...(details !== undefined && { details }),
    ...(passesOn && { passesOn }),
    examples,
    run: invocation => plugin.run(callOf(invocation))
  }
}

function callOf(invocation: Invocation): AskingCall {
  const { typed, io, input } = invocation
  const { address, ca } = connectionOf(typed, io.env)
  const request = asker(invocation)
  return {
    args: typed.args,
    option: name => typed.text(name),
    flag: name => typed.flag(name),
    list: name => typed.list(name),
    env: io.env,
    homeDir: io.homeDir,
    programEnv: childEnvironment(io.env, [], { keepToken: false }),
    broker: { address: address.replace(/\/+$/, ''), ...(ca === undefined ? {} : { ca }), identity: () => identityOf(invocation) },
    screen: screenOf(invocation),
    request,
    read: async path => (await request('GET', path).catch(refusedAsNothing))?.data,
    runProgram: plan => runPlanned(invocation, () => Promise.resolve(plan)),
    secret: what => input.secret(what)
  }
}

async function identityOf(invocation: Invocation): Promise<string | undefined> {
  const found = await invocation.findToken()
  return found && createHash('sha256').update(found.value).digest('hex')
}

function asker(invocation: Invocation): AskingCall['request'] {
  return async (method, path, fields, options) => {
    try {
      const { quiet, ...asked } = options ?? {}
      const { data, lease_id, lease_duration, renewable, wrap_info } = await invocation.request(method, path, fields, asked, quiet)
      const reply: BrokerReply = { data: data ?? {}, leaseId: lease_id, leaseSeconds: lease_duration, renewable }
      return wrap_info ? { ...reply, wrapInfo: wrap_info } : reply
    } catch (error) {
      if (error instanceof NothingThere) return undefined
      throw error
    }
  }
}

function refusedAsNothing(error: unknown): undefined {
  if (error instanceof Refused && (error.status === 403 || error.status === 404)) return undefined
  throw error
}

function screenOf({ terminal }: Invocation): CommandScreen {
  return {
    format: terminal.format,
    say: (...lines) => terminal.say(...lines),
    table: (head, rows) => void (terminal.format === 'table' && terminal.lines(table(head, rows, { width: terminal.columns }))),
    json: value => void (terminal.format === 'json' && terminal.json(value)),
    text: text => terminal.text(text),
    note: line => terminal.note(line),
    warn: text => terminal.warn(text)
  }
}
