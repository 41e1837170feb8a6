import type { CliCommand } from '../cli-command.ts'

export const operatorSeal: CliCommand = {
  name: 'operator seal',
  summary: 'seal the server: it forgets its keys and answers nothing until it is unsealed',
  details: 'While it is sealed it revokes nothing; credentials end by their own expiry where the target knows one.',
  examples: ['mayfly operator seal'],
  run: async invocation => {
    await invocation.request('PUT', 'sys/seal')
    invocation.terminal.say('sealed')
  }
}
