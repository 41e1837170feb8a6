import type { CliCommand } from '../cli-command.ts'

export const operatorRotateSealKey: CliCommand = {
  name: 'operator rotate-seal-key',
  summary: 'give the seal a new key, in the place of its key file',
  details:
    'The old key opens this store no more; it still opens copies that were made before. Keep the new file, apart from the store: without it nothing opens. A seal of shares has no such key.',
  examples: ['mayfly operator rotate-seal-key'],
  run: async invocation => {
    await invocation.request('PUT', 'sys/rotate/seal')
    invocation.terminal.say(
      'the key file of the server holds a new key: keep a copy of it, apart from the store',
      'Backups made before open only with the key before it: keep that as long as them, and make a backup now'
    )
  }
}
