import { spawn } from 'node:child_process'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCall } from 'mayfly/plugin'
import { hostScript } from '../host-script.ts'

export interface HostRun {
  /** `user@host`, for the system's own ssh; undefined: here. */
  readonly via: string | undefined
  readonly args: readonly string[]
  /** What no argument may say: those are for everybody to read. */
  readonly variables?: Readonly<Record<string, string>>
}

/** Runs the script of a host, which travels on standard input: nothing of it is left there, and nothing needs to be there but sh. Its exit code. */
export async function runHostScript(call: AskingCall, { via, args, variables = {} }: HostRun): Promise<number> {
  if (via !== undefined && !/^[\w.@:[\]%-]+$/.test(via)) throw new BrokerError('invalid_request', '--via: user@host is expected')
  if (via?.startsWith('-')) throw new BrokerError('invalid_request', '--via: user@host is expected')
  const words = ['-s', '--', ...args]
  const program = via === undefined ? 'sh' : 'ssh'
  const rest = via === undefined ? words : [via, ['sh', ...words].map(quoted).join(' ')]
  const set = Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)}\n`)
  return run(call, program, rest, `${set.join('')}${hostScript()}`)
}

function run(call: AskingCall, program: string, args: readonly string[], input: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: call.programEnv })
    const [out, err] = [lines(line => call.screen.say(line)), lines(line => call.screen.note(line))]
    child.stdout.setEncoding('utf8').on('data', out.add)
    child.stderr.setEncoding('utf8').on('data', err.add)
    child.once('error', cause => reject(new BrokerError('invalid_request', `${program}: cannot be started`, { cause })))
    child.once('close', code => {
      for (const rest of [out, err]) rest.end()
      resolve(code ?? 1)
    })
    // Who ends before the script is read says why by itself.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

function lines(say: (line: string) => void) {
  let left = ''
  return {
    add: (text: string) => {
      const all = `${left}${text}`.split('\n')
      left = all.pop() ?? ''
      // A tab of a diff, and the end of a line of ssh: the screen shows control characters by their names.
      for (const line of all) say(line.replace(/\r$/, '').replaceAll('\t', '    '))
    },
    end: () => (left === '' ? undefined : say(left))
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`
